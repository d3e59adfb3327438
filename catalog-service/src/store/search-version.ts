import { searchVersion } from '../search.ts';

/** The version of the words that this process makes. */
export const SEARCH_VERSION = searchVersion(process.versions.unicode!);
