/** In every test file: an answer that is not as its route declares it breaks the test that it was made for. */
import { watchUndeclared } from '@micromart/http/routes/undeclared-answers';

watchUndeclared((undeclared) => {
  process.stderr.write(`not as declared: ${undeclared}\n`);
  throw new Error(undeclared);
});
