import { searchVersion } from '../search.ts';

/** Of the words that this process tells apart. */
export const SEARCH_VERSION = searchVersion(process.versions.unicode!);
