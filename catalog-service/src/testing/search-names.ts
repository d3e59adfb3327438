import { searchWords } from '../search.ts';

/** Whether a search by `query` finds a product of this name: each of its words begins a word of the name. */
export const isFoundBy = (name: string, query: string): boolean => {
  const words = searchWords(name);
  return searchWords(query).every((asked) => words.some((word) => word.startsWith(asked)));
};

/** A name in each of many scripts. */
export const SCRIPTS: readonly (readonly [script: string, name: string])[] = [
  ['Latin', 'Crème brûlée ÆØÅ Đặc sản ǅungla'],
  ['Greek', 'Καφές ΕΛΛΗΝΙΚΌΣ ᾳ ᾧδε'],
  ['Cyrillic', 'Чай чёрный Їжа Ґрунт'],
  ['Armenian', 'Հայաստան և թեյ'],
  ['Georgian', 'ჩაი ᲩᲐᲘ'],
  ['Hebrew', 'תֵּה יָרוֹק'],
  ['Arabic', 'شَاي أَخْضَر'],
  ['Syriac', 'ܫܠܡܐ ܫܳܝ'],
  ['Thaana', 'ސައި ކަޅު'],
  ['N’Ko', 'ߒߞߏ ߘߎߕߍ'],
  ['Devanagari', 'हिन्दी चाय क़लम'],
  ['Bengali', 'বাংলা চা ড়'],
  ['Gurmukhi', 'ਪੰਜਾਬੀ ਚਾਹ ਖ਼'],
  ['Gujarati', 'ગુજરાતી ચા'],
  ['Oriya', 'ଓଡ଼ିଆ ଚା'],
  ['Tamil', 'தமிழ் தேநீர் கொ'],
  ['Telugu', 'తెలుగు టీ'],
  ['Kannada', 'ಕನ್ನಡ ಚಹಾ'],
  ['Malayalam', 'മലയാളം ചായ'],
  ['Sinhala', 'සිංහල තේ'],
  ['Thai', 'ชาเขียว น้ำ'],
  ['Lao', 'ນ້ຳຊາ'],
  ['Tibetan', 'བོད་ཇ གྷ'],
  ['Myanmar', 'လက်ဖက်ရည် မြန်မာ'],
  ['Khmer', 'តែបៃតង ខ្មែរ'],
  ['Ethiopic', 'ሻይ አማርኛ'],
  ['Cherokee', 'ᏣᎳᎩ ꮳꮃꭹ'],
  ['Canadian syllabics', 'ᐃᓄᒃᑎᑐᑦ ᑎ'],
  ['Ogham', 'ᚁᚂᚃ ᚄᚅ'],
  ['Runic', 'ᚠᚢᚦᚨᚱᚲ'],
  ['Mongolian', 'ᠮᠣᠩᠭᠣᠯ ᠴᠠᠢ'],
  ['Hiragana', 'りょくちゃ ぱん'],
  ['Katakana', 'コーヒー ｺｰﾋｰ ガ'],
  ['Han', '綠茶 豈 普洱茶'],
  ['Hangul', '녹차 한국어'],
  ['Bopomofo', 'ㄔㄚˊ'],
  ['Yi', 'ꆈꌠꁱꂷ'],
  ['Javanese', 'ꦲꦏ꧀ꦱꦫꦗꦮ'],
  ['Balinese', 'ᬩᬮᬶ ᬆ'],
  ['Tifinagh', 'ⵜⵉⴼⵉⵏⴰⵖ ⴰⵜⴰⵢ'],
  ['Coptic', 'ⲘⲉⲧⲢⲉⲙ ⲛ̀ⲭⲏⲙⲓ'],
  ['Glagolitic', 'Ⰳⰾⰰⰳⱁⰾⰹⱌⰰ'],
  ['Deseret', '𐐔𐐯𐑅𐐨𐑉𐐯𐐻'],
  ['Osage', '𐓏𐓘𐓻𐓘𐓻𐓟'],
  ['Adlam', '𞤀𞤣𞤤𞤢𞤥'],
  ['Gothic', '𐌲𐌿𐍄𐌹𐍃𐌺'],
  ['Cuneiform', '𒀀𒁀 𒂍'],
  ['Vai', 'ꕙꔤ ꕢ'],
];
