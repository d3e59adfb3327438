import { searchVersion } from '../search.ts';

/** Of the words that this process makes. */
export const SEARCH_VERSION = searchVersion(process.versions.unicode!);
