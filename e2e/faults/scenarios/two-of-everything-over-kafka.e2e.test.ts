import { testScenario } from '../scenario-suite.ts';

testScenario('two-of-everything-over-kafka');
