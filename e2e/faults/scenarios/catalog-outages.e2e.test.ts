import { testScenario } from '../scenario-suite.ts';

testScenario('catalog-outages');
