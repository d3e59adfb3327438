/**
 * Static membership (KIP-345): a member with an instance name keeps its partitions while it restarts. Without it, all members
 * stop whenever one joins or leaves, and when one is killed, until its session has expired. kafkajs can encode such a name in
 * its request, but offers no setting for it, and leaves the group whenever it ends. So the name travels with the assigner,
 * which we provide, and which kafkajs passes on to the request.
 */
import { createRequire } from 'node:module';
import type { Assigner } from 'kafkajs';

type NamedAssigner = Assigner & { readonly groupInstanceId?: string | undefined };
type JoinRequest = { readonly groupProtocols: readonly { readonly groupInstanceId?: string }[] };
type JoinGroup = { protocol(chosen: { version: number }): (request: JoinRequest) => unknown };
type ConsumerGroup = { readonly assigners: readonly NamedAssigner[] };

/** An assigner that joins as `instance`. No two members of a group may use the same name at the same time. */
export const assignerOf = (instance: string | undefined, assigner: Assigner): NamedAssigner => ({
  ...assigner,
  groupInstanceId: instance,
  protocol: (subscription) => ({ ...assigner.protocol(subscription), groupInstanceId: instance }),
});

/** Adds static membership to the loaded kafkajs. Call it once. */
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
