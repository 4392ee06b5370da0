/** @import { Language } from './examples.js' */

const EN = {
  title: 'Eidetic: talk about pictures',
  newDialog: 'New dialog',
  headline: 'Show it a picture. Ask where things are.',
  lead: 'Drop, paste or choose pictures and talk about them. Each picture is looked at once and then remembered.',
  choose: 'Choose pictures',
  orDrop: 'or drop them anywhere, or paste',
  tryOne: 'Or start with one of these',
  nano: 'This server runs the small model that comes with Eidetic. It knows drawn pictograms, coloured shapes, simple scenes, short texts and charts, in English and Chinese. It does not know photographs, and it is sometimes wrong.',
  pictures: 'Pictures',
  picture: 'Picture {n}',
  notSent: 'not sent yet',
  removePicture: 'Remove picture {n}',
  showPicture: 'Show picture {n}',
  addPictures: 'Add pictures',
  dialog: 'Dialog',
  question: 'Your question',
  placeholder: 'Ask about the picture',
  placeholderEmpty: 'Say hello, or add a picture',
  suggestions: 'Example questions',
  send: 'Send',
  stop: 'Stop',
  dropHere: 'Drop to add to the dialog',
  you: 'You',
  answer: 'Answer',
  looking: 'Looking',
  thinking: 'Thinking',
  stopped: 'stopped',
  cutOff: 'cut off at the length limit',
  firstToken: '{ms} ms to first token',
  speed: '{n} tokens/s',
  remembered: 'picture remembered',
  encoded: 'picture encoded',
  rememberedSome: '{k} of {n} pictures remembered',
  rememberedHelp: 'The embedding of the picture was reused: the vision model did not run.',
  encodedHelp: 'New to the server: the vision model ran once; from now on its embedding is reused.',
  cachedTokens: '{k} of {n} prompt tokens reused',
  cachedTokensHelp: 'Positions of the prompt whose key/value state was still there from earlier turns.',
  box: 'box {n}',
  boxAt: 'Picture {n}, from ({x1}, {y1}) to ({x2}, {y2}) pixels',
  retry: 'Try again',
  notAPicture: '“{name}” cannot be read as a picture.',
  unreachable: 'The server cannot be reached. Is it running?',
  interrupted: 'The connection broke before the answer was complete.',
  refused: 'The server could not answer: {message}',
};

/** @type {Record<keyof typeof EN, string>} */
const ZH = {
  title: 'Eidetic：看图对话',
  newDialog: '新对话',
  headline: '给它一张图，问问东西在哪里。',
  lead: '拖入、粘贴或选择图片，然后聊聊它们。每张图片只看一次，之后就记住了。',
  choose: '选择图片',
  orDrop: '也可以拖到页面任意位置，或直接粘贴',
  tryOne: '或者从这些图片开始',
  nano: '此服务器运行 Eidetic 自带的小模型。它认识图形符号、彩色形状、简单场景、短文字和图表，支持中文和英文。它不认识照片，有时也会出错。',
  pictures: '图片',
  picture: '图{n}',
  notSent: '尚未发送',
  removePicture: '移除图{n}',
  showPicture: '显示图{n}',
  addPictures: '添加图片',
  dialog: '对话',
  question: '你的问题',
  placeholder: '问问这张图片',
  placeholderEmpty: '打个招呼，或添加图片',
  suggestions: '示例问题',
  send: '发送',
  stop: '停止',
  dropHere: '松开即可加入对话',
  you: '你',
  answer: '回答',
  looking: '正在看图',
  thinking: '思考中',
  stopped: '已停止',
  cutOff: '达到长度上限，已截断',
  firstToken: '首个词元 {ms} 毫秒',
  speed: '{n} 词元/秒',
  remembered: '图片已记住',
  encoded: '图片已编码',
  rememberedSome: '{n} 张图片中记住 {k} 张',
  rememberedHelp: '复用了图片的嵌入：视觉模型没有运行。',
  encodedHelp: '服务器第一次看到：视觉模型运行了一次，之后会复用它的嵌入。',
  cachedTokens: '提示 {n} 个词元中复用 {k} 个',
  cachedTokensHelp: '提示中仍保留着前几轮键值状态的位置。',
  box: '框{n}',
  boxAt: '图{n}，从 ({x1}, {y1}) 到 ({x2}, {y2}) 像素',
  retry: '重试',
  notAPicture: '无法将“{name}”读作图片。',
  unreachable: '无法连接服务器。它在运行吗？',
  interrupted: '回答完成之前连接中断了。',
  refused: '服务器无法回答：{message}',
};

const DICTIONARIES = { en: EN, zh: ZH };
const STORAGE_KEY = 'eidetic.language';

/** @type {Language} */
let current = (localStorage.getItem(STORAGE_KEY) ?? navigator.language).startsWith('zh') ? 'zh' : 'en';

/** The language of the page. @returns {Language} */
export const language = () => current;

/**
 * Switches the language and remembers the choice.
 *
 * @param {Language} chosen
 */
export function setLanguage(chosen) {
  current = chosen;
  localStorage.setItem(STORAGE_KEY, chosen);
}

/**
 * The text for a key, with `{name}` replaced by values.
 *
 * @param {keyof typeof EN} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return DICTIONARIES[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Fills in the texts of the elements marked with `data-t` (content) and `data-t-label`. */
export function translatePage() {
  document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';
  document.title = t('title');
  for (const element of document.querySelectorAll('[data-t]')) {
    if (element instanceof HTMLElement) element.textContent = t(keyOf(element.dataset.t));
  }
  for (const element of document.querySelectorAll('[data-t-label]')) {
    if (element instanceof HTMLElement) element.setAttribute('aria-label', t(keyOf(element.dataset.tLabel)));
  }
}

/** @param {string | undefined} name @returns {keyof typeof EN} */
function keyOf(name) {
  if (name === undefined || !(name in EN)) throw new Error(`There is no text named "${name}".`);
  return /** @type {keyof typeof EN} */ (name);
}
