/** Set up in every test file: an answer that differs from its route's declaration fails its test. */
import { watchUndeclared } from '@micromart/http/routes/undeclared-answers';

watchUndeclared((undeclared) => {
  process.stderr.write(`not as declared: ${undeclared}\n`);
  throw new Error(undeclared);
});
