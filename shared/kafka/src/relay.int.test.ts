import { describeKafka } from '@micromart/testing/describe-kafka';
import { openTestKafka } from '@micromart/testing/kafka';
import { testRelay } from './relay.contract.ts';

describeKafka('a relay', () => testRelay(openTestKafka));
