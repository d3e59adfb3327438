import { testScenario } from '../scenario-suite.ts';

testScenario('orderly-stop');
