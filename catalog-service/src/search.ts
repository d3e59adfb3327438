const WORD = /[\p{L}\p{N}]+/gu;

/** The words of a search in small letters, each once; the stores tell the words of their products apart alike. */
export const searchWords = (q: string): string[] => [...new Set(q.toLowerCase().match(WORD))];
