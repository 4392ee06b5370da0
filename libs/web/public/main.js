import { ApiError, fetchModel, streamAnswer } from './api.js';
import { Composer } from './composer.js';
import { addChunk, newAnswer, picturesOf, pictureUrl, toMessages } from './dialog.js';
import { byId, create } from './dom.js';
import { EXAMPLES, QUESTIONS } from './examples.js';
import { failureText, toFailure } from './failure.js';
import { language, setLanguage, t, translatePage } from './i18n.js';
import { plainText } from './markup.js';
import { readPicture } from './picture.js';
import { Stage } from './stage.js';
import { Transcript } from './transcript.js';

/**
 * @import { Exchange, Picture } from './dialog.js'
 * @import { Example } from './examples.js'
 */

/** The page: holds the dialog, asks the server, and keeps the views up to date. */
class Page {
  model = '';
  /** @type {Exchange[]} */
  exchanges = [];
  /** @type {Picture[]} Chosen, not sent yet. */
  pending = [];
  /** Index of the picture in view. */
  current = 0;
  /** @type {Exchange | undefined} The one whose boxes are shown. */
  focused;
  /** @type {number | undefined} */
  highlighted;
  /** @type {AbortController | undefined} While an answer is on its way. */
  running;

  stage = new Stage(byId('stage', HTMLElement), {
    onSelect: (index) => this.select(index),
    onRemove: (index) => this.remove(index),
    onAdd: () => this.composer.choose(),
    onHighlight: (grounding) => this.point(this.focused, grounding),
  });
  transcript = new Transcript(byId('transcript', HTMLElement), {
    onPoint: (exchange, grounding) => this.point(exchange, grounding),
    onSelect: (index) => this.select(index),
    onRetry: (exchange) => void this.answer(exchange),
  });
  composer = new Composer({
    onAsk: (question) => void this.ask(question),
    onFiles: (files) => void this.addFiles(files),
    onStop: () => this.running?.abort(),
  });

  async start() {
    byId('restart', HTMLElement).onclick = () => this.restart();
    byId('language', HTMLElement).onclick = () => {
      setLanguage(language() === 'en' ? 'zh' : 'en');
      this.show();
    };
    this.show();
    try {
      this.model = await fetchModel();
    } catch (reason) {
      this.notify(failureText(toFailure(reason)));
    }
    this.show();
  }

  get pictures() {
    return [...picturesOf(this.exchanges), ...this.pending];
  }

  /** @param {string} question */
  async ask(question) {
    if (this.running) return;
    /** @type {Exchange} */
    const exchange = { question, pictures: this.pending, answer: newAnswer() };
    this.exchanges.push(exchange);
    this.pending = [];
    this.composer.clear();
    await this.answer(exchange);
  }

  /** @param {Exchange} exchange the last one */
  async answer(exchange) {
    if (this.running) return;
    const running = new AbortController();
    this.running = running;
    exchange.answer = newAnswer();
    this.focused = exchange;
    this.notify('');
    this.show();
    try {
      await this.stream(exchange, running.signal);
      exchange.answer.state = 'done';
    } catch (reason) {
      const { answer } = exchange;
      answer.state = running.signal.aborted ? 'stopped' : 'failed';
      if (answer.state === 'failed') answer.error = toFailure(reason);
    }
    // "New dialog" while the answer was on its way.
    if (this.running !== running) return;
    this.running = undefined;
    this.announce(exchange);
    this.show();
  }

  /**
   * @param {Exchange} exchange
   * @param {AbortSignal} signal
   * @param {boolean} [resend] whether pictures that the server has forgotten may be sent again
   */
  async stream(exchange, signal, resend = true) {
    const { answer } = exchange;
    const pictures = picturesOf(this.exchanges);
    try {
      const messages = await toMessages(this.exchanges, pictureUrl);
      for await (const chunk of streamAnswer(this.model, messages, signal)) {
        signal.throwIfAborted();
        addChunk(answer, chunk);
        answer.images.forEach(({ id }, index) => {
          const picture = pictures[index];
          if (picture) picture.imageId = id;
        });
        this.follow(exchange);
        this.showExchange(exchange);
        this.showStage();
      }
    } catch (reason) {
      const forgotten = reason instanceof ApiError && reason.code === 'unsupported_image_source';
      if (!forgotten || !resend) throw reason;
      for (const picture of pictures) picture.imageId = undefined;
      await this.stream(exchange, signal, false);
    }
  }

  /** Brings the picture into view that the answer points at. @param {Exchange} exchange */
  follow({ answer }) {
    const last = answer.groundings.at(-1);
    if (last) this.current = last.imageIndex;
  }

  /**
   * @param {Exchange | undefined} exchange
   * @param {number | undefined} grounding
   */
  point(exchange, grounding) {
    this.highlighted = grounding;
    const target = grounding === undefined ? undefined : exchange?.answer.groundings[grounding];
    if (target) {
      this.focused = exchange;
      this.current = target.imageIndex;
    }
    this.transcript.highlight(exchange, grounding);
    this.showStage();
  }

  /** @param {number} index */
  select(index) {
    this.current = index;
    this.highlighted = undefined;
    this.showStage();
    this.showSuggestions();
  }

  /** @param {readonly File[]} files */
  async addFiles(files) {
    this.notify('');
    for (const file of files) await this.add(file, file.name);
    this.composer.focus();
  }

  /** @param {Example} example */
  async addExample(example) {
    const response = await fetch(example.file);
    await this.add(await response.blob(), example.file, example);
    this.composer.focus();
  }

  /**
   * @param {Blob} blob
   * @param {string} name
   * @param {Example} [example]
   */
  async add(blob, name, example) {
    const picture = await readPicture(blob);
    if (picture === undefined) {
      this.notify(t('notAPicture', { name }));
      return;
    }
    this.pending.push({ ...picture, ...(example && { example }) });
    this.current = this.pictures.length - 1;
    this.show();
  }

  /** @param {number} index of a picture that was not sent */
  remove(index) {
    const [removed] = this.pending.splice(index - picturesOf(this.exchanges).length, 1);
    if (removed) URL.revokeObjectURL(removed.url);
    this.current = Math.max(0, Math.min(this.current, this.pictures.length - 1));
    this.show();
    this.composer.focus();
  }

  restart() {
    this.running?.abort();
    this.running = undefined;
    for (const { url } of this.pictures) URL.revokeObjectURL(url);
    this.exchanges = [];
    this.pending = [];
    this.current = 0;
    this.focused = undefined;
    this.highlighted = undefined;
    this.transcript.clear();
    this.notify('');
    this.show();
    this.composer.focus();
  }

  show() {
    translatePage();
    const isEmpty = this.pictures.length === 0 && this.exchanges.length === 0;
    byId('app', HTMLElement).className = isEmpty ? 'empty' : this.pictures.length > 0 ? 'with-pictures' : 'words-only';
    byId('welcome', HTMLElement).hidden = !isEmpty;
    byId('restart', HTMLElement).hidden = isEmpty;
    byId('model', HTMLElement).textContent = this.model;
    byId('note', HTMLElement).hidden = !this.model.includes('nano');
    const other = byId('language', HTMLElement);
    other.textContent = language() === 'en' ? '中文' : 'English';
    other.lang = language() === 'en' ? 'zh-CN' : 'en';
    this.composer.show(this.running !== undefined, this.pictures.length > 0);
    this.showExamples();
    this.showSuggestions();
    this.showDialog();
  }

  showDialog() {
    for (const exchange of this.exchanges) this.showExchange(exchange);
    this.showStage();
  }

  /** @param {Exchange} exchange */
  showExchange(exchange) {
    const index = this.exchanges.indexOf(exchange);
    const firstPicture = picturesOf(this.exchanges.slice(0, index)).length;
    this.transcript.show(exchange, firstPicture, index === this.exchanges.length - 1);
  }

  showStage() {
    const { pictures, current, focused, highlighted } = this;
    const groundings = focused?.answer.groundings ?? [];
    this.stage.show({
      pictures,
      firstUnsent: pictures.length - this.pending.length,
      current,
      marks: groundings
        .map((grounding, index) => ({ grounding, index }))
        .filter(({ grounding }) => grounding.imageIndex === current),
      seen: focused?.answer.images[current],
      highlighted,
      looking:
        this.running !== undefined && focused?.answer.state === 'waiting' && pictures[current]?.imageId === undefined,
    });
  }

  showExamples() {
    const items = EXAMPLES.map((example) => {
      const image = create('img', { src: example.file, alt: '', width: 224, height: 224 });
      const onclick = () => void this.addExample(example);
      return create(
        'li',
        {},
        create('button', { type: 'button', onclick }, image, create('span', {}, example.name[language()])),
      );
    });
    byId('examples', HTMLElement).replaceChildren(...items);
  }

  /** Questions that were not asked yet, while nothing is on its way. */
  showSuggestions() {
    const picture = this.pictures[this.current];
    const questions = picture && !this.running ? (picture.example?.questions ?? QUESTIONS)[language()] : [];
    const asked = new Set(this.exchanges.map(({ question }) => question));
    const items = questions
      .filter((question) => !asked.has(question))
      .map((question) =>
        create('li', {}, create('button', { type: 'button', onclick: () => void this.ask(question) }, question)),
      );
    byId('suggestions', HTMLElement).replaceChildren(...items);
  }

  /** @param {string} text */
  notify(text) {
    const notice = byId('notice', HTMLElement);
    notice.hidden = text === '';
    notice.textContent = text;
  }

  /** Reads the whole answer to screen readers, once. @param {Exchange} exchange */
  announce({ answer }) {
    const text = answer.error ? failureText(answer.error) : plainText(answer.raw);
    byId('announcement', HTMLElement).textContent = text;
  }
}

await new Page().start();
