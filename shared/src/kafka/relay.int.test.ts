import { describeKafka } from '../testing/describe-kafka.ts';
import { openTestKafka } from '../testing/kafka.ts';
import { testRelay } from './relay.contract.ts';

describeKafka('a relay', () => testRelay(openTestKafka));
