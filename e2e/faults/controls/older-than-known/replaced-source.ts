/** The control: a follower takes the first answer that looks like another history for one. */
import type * as original from '@micromart/subscription/sources/replaced-source';

export const createReplacedSource: typeof original.createReplacedSource = () => ({
  conclude: () => true,
  refute: () => {},
});
