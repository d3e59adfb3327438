/**
 * Static membership (KIP-345): a member that names its instance keeps its place in the group, and its partitions, while it
 * is started again. Without, everybody stops for everybody who comes or goes, and for one that was killed until its
 * session has expired, six seconds: in the fault harness, what was written after a kill was counted after 5.1 s (median),
 * and by the feed; with a name it is after 3.1 s, and by Kafka. kafkajs can write such a name into its request, but has
 * nowhere to give it, and says goodbye whenever it ends. So the name travels with the assigner, which is ours to give and
 * goes all the way.
 */
import { createRequire } from 'node:module';
import type { Assigner } from 'kafkajs';

type NamedAssigner = Assigner & { readonly groupInstanceId?: string | undefined };
type JoinRequest = { readonly groupProtocols: readonly { readonly groupInstanceId?: string }[] };
type JoinGroup = { protocol(chosen: { version: number }): (request: JoinRequest) => unknown };
type ConsumerGroup = { readonly assigners: readonly NamedAssigner[] };

/** An assigner that joins as `instance`: no two members of a group may have the same at the same time. */
export const assignerOf = (instance: string | undefined, assigner: Assigner): NamedAssigner => ({
  ...assigner,
  groupInstanceId: instance,
  protocol: (subscription) => ({ ...assigner.protocol(subscription), groupInstanceId: instance }),
});

/** Teaches the kafkajs that is loaded; to be done once. */
export function teachStaticMembership(): void {
  const require = createRequire(import.meta.url);
  const joinGroup = require('kafkajs/src/protocol/requests/joinGroup/index.js') as JoinGroup;
  const { protocol } = joinGroup;
  joinGroup.protocol = (chosen) => {
    const make = protocol(chosen);
    return (request) =>
      make(Object.assign(request, { groupInstanceId: request.groupProtocols[0]?.groupInstanceId }));
  };
  const group = require('kafkajs/src/consumer/consumerGroup.js').prototype;
  const { leave } = group;
  group.leave = async function (this: ConsumerGroup) {
    if (this.assigners[0]?.groupInstanceId === undefined) await leave.call(this);
  };
}
