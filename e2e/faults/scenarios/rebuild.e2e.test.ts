import { testScenario } from '../scenario-suite.ts';

testScenario('rebuild');
