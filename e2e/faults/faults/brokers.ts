/** The brokers of a run over Kafka, and what their faults have in common. */
import type { Draw } from '@micromart/demo/draws';
import type { KafkaNode } from '@micromart/engines/kafka/cluster';
import type { TcpProxy } from '@micromart/testing/tcp-proxy';
import type { Brokers } from '../system/brokers.ts';
import type { System } from '../system/system.ts';
import type { Fault } from './fault.ts';

export function brokersOf({ brokers }: System): Brokers {
  if (!brokers) throw new Error('there are no brokers: this fault is for a run over Kafka');
  return brokers;
}
export const nodeOf = (system: System, draw: Draw): KafkaNode => {
  const { nodes } = brokersOf(system);
  return nodes[draw(nodes.length)]!;
};
export const linkOfBroker = (system: System, draw: Draw): TcpProxy => {
  const { links } = brokersOf(system);
  return links[draw(links.length)]!;
};

export function ofABroker(fault: Fault): Fault {
  return { ...fault, recovery: 'counts everywhere', sparesWrites: true };
}
