import { byId } from './dom.js';
import { t } from './i18n.js';

/**
 * @typedef {object} ComposerEvents
 * @property {(question: string) => void} onAsk
 * @property {(files: readonly File[]) => void} onFiles pictures were dropped, pasted or chosen
 * @property {() => void} onStop
 */

/** Where the user writes questions and hands in pictures. */
export class Composer {
  /** @param {ComposerEvents} events */
  constructor(events) {
    this.events = events;
    this.form = byId('composer', HTMLFormElement);
    this.question = byId('question', HTMLTextAreaElement);
    this.files = byId('files', HTMLInputElement);
    this.running = false;
    this.listenToQuestion();
    this.listenToFiles();
    this.listenToDrops();
  }

  /**
   * @param {boolean} running whether an answer is on its way
   * @param {boolean} hasPictures
   */
  show(running, hasPictures) {
    this.running = running;
    this.question.placeholder = t(hasPictures ? 'placeholder' : 'placeholderEmpty');
    const stop = byId('stop', HTMLButtonElement);
    const hadFocus = document.activeElement === stop;
    byId('send', HTMLButtonElement).hidden = running;
    stop.hidden = !running;
    if (hadFocus && !running) this.focus();
  }

  clear() {
    this.question.value = '';
    this.fit();
  }

  /** Opens the file dialog. */
  choose() {
    this.files.click();
  }

  focus() {
    // On a touch screen this would push up the keyboard unasked.
    if (matchMedia('(hover: hover)').matches) this.question.focus();
  }

  /** Makes the field as high as its text; the style sheet sets the limit. */
  fit() {
    this.question.style.height = 'auto';
    this.question.style.height = `${this.question.scrollHeight}px`;
  }

  listenToQuestion() {
    const ask = () => {
      const question = this.question.value.trim();
      if (question !== '' && !this.running) this.events.onAsk(question);
    };
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      ask();
    });
    this.question.addEventListener('keydown', (event) => {
      // While an input method composes, Enter chooses characters.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      ask();
    });
    this.question.addEventListener('input', () => this.fit());
    byId('stop', HTMLButtonElement).addEventListener('click', () => this.events.onStop());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.running) this.events.onStop();
    });
  }

  listenToFiles() {
    for (const id of ['add', 'choose']) byId(id, HTMLButtonElement).addEventListener('click', () => this.choose());
    this.files.addEventListener('change', () => {
      this.take(this.files.files);
      this.files.value = '';
    });
    document.addEventListener('paste', (event) => {
      if (this.take(event.clipboardData?.files)) event.preventDefault();
    });
  }

  listenToDrops() {
    const overlay = byId('drop', HTMLElement);
    document.addEventListener('dragover', (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      overlay.hidden = false;
    });
    document.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) overlay.hidden = true;
    });
    document.addEventListener('drop', (event) => {
      overlay.hidden = true;
      if (this.take(event.dataTransfer?.files)) event.preventDefault();
    });
  }

  /** @param {FileList | null | undefined} files */
  take(files) {
    if (!files || files.length === 0) return false;
    this.events.onFiles([...files]);
    return true;
  }
}
