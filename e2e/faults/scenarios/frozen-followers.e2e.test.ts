import { testScenario } from '../scenario-suite.ts';

testScenario('frozen-followers');
