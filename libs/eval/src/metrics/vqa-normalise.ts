// Contractions that people write with one apostrophe too few. Each is restored from every spelling without one of its own.
const CONTRACTIONS = `
  ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
  how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
  oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
  someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's they'd
  they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's
  where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll
  y'all'd've you'd you'd've you'll you're you've`;

const RESTORED: ReadonlyMap<string, string> = new Map([
  ...CONTRACTIONS.trim()
    .split(/\s+/)
    .flatMap((word) =>
      [...word.matchAll(/'/g)].map(({ index }): [string, string] => [
        word.slice(0, index) + word.slice(index + 1),
        word,
      ]),
    ),
  ["somebody'd", 'somebodyd'], // a slip of the official table, kept
]);

const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const DIGITS: ReadonlyMap<string, string> = new Map([
  ['none', '0'],
  ...NUMBERS.map((word, value): [string, string] => [word, String(value)]),
]);

const ARTICLES = new Set(['a', 'an', 'the']);
const PUNCTUATION = [...';/[]"{}()=+\\_->@`,?!<'];

/**
 * Punctuation as the VQA evaluation treats it (`processPunctuation` of its vqaEval.py): a mark that stands beside a space
 * anywhere in the text is dropped, else it becomes a space; a text with a comma between digits loses all marks. Full stops
 * go unless a digit follows.
 */
export function dropPunctuation(text: string): string {
  const hasSeparator = /\d,\d/.test(text);
  const withoutMarks = PUNCTUATION.reduce((rest, mark) => {
    const dropped = hasSeparator || text.includes(`${mark} `) || text.includes(` ${mark}`);
    return rest.replaceAll(mark, dropped ? '' : ' ');
  }, text);
  return withoutMarks.replace(/\.(?!\d)/g, '');
}

/**
 * Words as the VQA evaluation compares them (`processDigitArticle` of its vqaEval.py): lower case, numbers up to ten as
 * digits, no articles, apostrophes of contractions restored, single spaces.
 */
export function normaliseWords(text: string): string {
  return text
    .toLowerCase()
    .split(/\s+/)
    .map((word) => DIGITS.get(word) ?? word)
    .filter((word) => word !== '' && !ARTICLES.has(word))
    .map((word) => RESTORED.get(word) ?? word)
    .join(' ');
}
