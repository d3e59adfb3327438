import { testScenario } from '../scenario-suite.ts';

testScenario('cut-replies');
