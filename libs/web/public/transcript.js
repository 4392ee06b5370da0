import { tokensPerSecond } from './dialog.js';
import { create } from './dom.js';
import { failureText } from './failure.js';
import { t } from './i18n.js';
import { parseAnswer } from './markup.js';
import { hueClass } from './stage.js';

/**
 * @import { Answer, Exchange } from './dialog.js'
 * @import { Segment } from './markup.js'
 *
 * @typedef {object} TranscriptEvents
 * @property {(exchange: Exchange, grounding: number | undefined) => void} onPoint words that point somewhere are touched or left
 * @property {(picture: number) => void} onSelect
 * @property {(exchange: Exchange) => void} onRetry
 *
 * @typedef {{ question: HTMLElement, answer: HTMLElement, words: HTMLElement, foot: HTMLElement }} Entry
 */

/** The dialog as text: questions, and answers that grow. */
export class Transcript {
  /**
   * @param {HTMLElement} root
   * @param {TranscriptEvents} events
   */
  constructor(root, events) {
    this.root = root;
    this.events = events;
    /** @type {Map<Exchange, Entry>} */
    this.entries = new Map();
  }

  clear() {
    this.entries.clear();
    this.root.replaceChildren();
  }

  /**
   * Shows the present state of an exchange, at the end if it is new.
   *
   * @param {Exchange} exchange
   * @param {number} firstPicture index of its first picture in the dialog
   * @param {boolean} isLast
   */
  show(exchange, firstPicture, isLast) {
    const entry = this.entries.get(exchange) ?? this.add(exchange);
    const { answer } = exchange;
    const pinned = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < 80;
    this.showQuestion(entry.question, exchange, firstPicture);
    this.showWords(entry.words, exchange);
    const busy = answer.state === 'waiting' || answer.state === 'growing';
    entry.answer.className = `answer ${answer.state}`;
    entry.answer.setAttribute('aria-busy', String(busy));
    entry.answer.setAttribute('aria-label', t('answer'));
    entry.foot.replaceChildren(...(busy ? this.waiting(exchange) : this.facts(exchange, isLast)));
    if (pinned) this.root.scrollTop = this.root.scrollHeight;
  }

  /**
   * Sets off the words that point at a grounding.
   *
   * @param {Exchange | undefined} exchange
   * @param {number | undefined} grounding
   */
  highlight(exchange, grounding) {
    for (const [owner, { words }] of this.entries) {
      for (const element of words.querySelectorAll('.reference')) {
        if (!(element instanceof HTMLElement)) continue;
        const indices = (element.dataset.groundings ?? '').split(' ').map(Number);
        element.classList.toggle(
          'set-off',
          owner === exchange && grounding !== undefined && indices.includes(grounding),
        );
      }
    }
  }

  /** @param {Exchange} exchange @returns {Entry} */
  add(exchange) {
    const question = create('div', { className: 'question' });
    const words = create('p', { className: 'words' });
    const foot = create('div', { className: 'foot' });
    const answer = create('article', {}, words, foot);
    this.root.append(create('li', { className: 'exchange' }, question, answer));
    this.root.scrollTop = this.root.scrollHeight;
    const entry = { question, answer, words, foot };
    this.entries.set(exchange, entry);
    return entry;
  }

  /**
   * @param {HTMLElement} element
   * @param {Exchange} exchange
   * @param {number} firstPicture
   */
  showQuestion(element, { question, pictures }, firstPicture) {
    if (element.lang === document.documentElement.lang) return;
    element.lang = document.documentElement.lang;
    const thumbnails = pictures.map(({ url }, k) => {
      const index = firstPicture + k;
      const label = t('showPicture', { n: index + 1 });
      const onclick = () => this.events.onSelect(index);
      const image = create('img', { src: url, alt: '' });
      return create('button', { type: 'button', className: 'sent', 'aria-label': label, onclick }, image);
    });
    element.replaceChildren(
      create('span', { className: 'unseen' }, t('you')),
      ...(thumbnails.length > 0 ? [create('div', { className: 'attached' }, ...thumbnails)] : []),
      create('p', {}, question),
    );
  }

  /**
   * Adds to the words what has come since, leaving alone the elements that are there.
   *
   * @param {HTMLElement} words
   * @param {Exchange} exchange
   */
  showWords(words, exchange) {
    const { answer } = exchange;
    const segments = parseAnswer(answer.raw, answer.state !== 'done');
    segments.forEach((segment, position) => {
      const old = words.children[position];
      const reusable = old instanceof HTMLElement && old.classList.contains(segment.kind);
      const element = reusable ? old : this.newSegment(segment, exchange);
      if (!reusable) words.append(element);
      this.fillSegment(element, segment, answer);
    });
    while (words.children.length > segments.length) words.lastElementChild?.remove();
  }

  /**
   * @param {Segment} segment
   * @param {Exchange} exchange
   */
  newSegment({ kind }, exchange) {
    const element = create('span', { className: kind });
    if (kind === 'text') return element;
    element.tabIndex = 0;
    element.setAttribute('role', 'button');
    const point = () => {
      const [first] = (element.dataset.groundings ?? '').split(' ');
      this.events.onPoint(exchange, first ? Number(first) : undefined);
    };
    const leave = () => this.events.onPoint(exchange, undefined);
    element.addEventListener('pointerenter', point);
    element.addEventListener('focus', point);
    element.addEventListener('click', point);
    element.addEventListener('pointerleave', leave);
    element.addEventListener('blur', leave);
    return element;
  }

  /**
   * @param {HTMLElement} element
   * @param {Segment} segment
   * @param {Answer} answer
   */
  fillSegment(element, segment, answer) {
    const first = segment.kind === 'reference' ? segment.groundings[0] : undefined;
    const text = segment.text || (first === undefined ? '' : t('box', { n: first + 1 }));
    if (element.textContent !== text) element.textContent = text;
    if (segment.kind === 'text') return;
    element.dataset.groundings = segment.groundings.join(' ');
    const grounding = first === undefined ? undefined : answer.groundings[first];
    if (first === undefined || grounding === undefined) return;
    element.classList.add(hueClass(first));
    const pixels = Object.entries(grounding.box).map(([name, value]) => [name, Math.round(value)]);
    element.title = t('boxAt', { n: grounding.imageIndex + 1, ...Object.fromEntries(pixels) });
  }

  /** @param {Exchange} exchange */
  waiting({ pictures, answer }) {
    if (answer.state === 'growing') return [];
    return [create('span', { className: 'waiting-text' }, t(pictures.length > 0 ? 'looking' : 'thinking'))];
  }

  /**
   * What there is to say about an answer that is over.
   *
   * @param {Exchange} exchange
   * @param {boolean} isLast
   */
  facts(exchange, isLast) {
    const { state, error, usage, timings } = exchange.answer;
    const elements = [];
    if (state === 'failed' && error) {
      elements.push(create('p', { className: 'error' }, failureText(error)));
    }
    if (state === 'failed' && isLast) {
      const onclick = () => this.events.onRetry(exchange);
      elements.push(create('button', { type: 'button', className: 'quiet', onclick }, t('retry')));
    }
    const facts = [];
    if (state === 'stopped') facts.push(fact(t('stopped')));
    if (exchange.answer.cutOff) facts.push(fact(t('cutOff')));
    if (timings) facts.push(fact(t('firstToken', { ms: Math.round(timings.firstTokenMs) })));
    const speed = tokensPerSecond(exchange.answer);
    if (speed !== undefined) facts.push(fact(t('speed', { n: Math.round(speed) })));
    facts.push(...memoryFacts(exchange.answer));
    const cached = usage?.prompt_tokens_details?.cached_tokens;
    if (usage && cached !== undefined) {
      facts.push(fact(t('cachedTokens', { k: cached, n: usage.prompt_tokens }), t('cachedTokensHelp')));
    }
    if (facts.length > 0) elements.push(create('ul', { className: 'facts' }, ...facts));
    return elements;
  }
}

/** Whether the pictures had to be looked at. @param {Answer} answer */
function memoryFacts({ images, state }) {
  if (images.length === 0 || state === 'failed') return [];
  const cached = images.filter((image) => image.cached).length;
  if (cached === images.length) return [fact(t('remembered'), t('rememberedHelp'), 'remembered')];
  if (images.length === 1) return [fact(t('encoded'), t('encodedHelp'), 'encoded')];
  return [fact(t('rememberedSome', { k: cached, n: images.length }), t('rememberedHelp'), 'encoded')];
}

/**
 * @param {string} text
 * @param {string} [title]
 * @param {string} [className]
 */
function fact(text, title = '', className = '') {
  return create('li', { className, title }, text);
}
