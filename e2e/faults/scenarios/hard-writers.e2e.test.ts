import { testScenario } from '../scenario-suite.ts';

testScenario('hard-writers');
