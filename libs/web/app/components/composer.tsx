import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import type { Picture } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { AddMenu } from './add-menu.tsx';
import { Icon } from './icon.tsx';
import { RemoveButton } from './remove-button.tsx';
import { Thumbnail } from './thumbnail.tsx';

/** What others may do with the composer. */
export interface ComposerHandle {
  readonly focus: () => void;
  /** Opens the choice of files. */
  readonly choose: () => void;
}

interface Props {
  readonly ref: Ref<ComposerHandle>;
  readonly running: boolean;
  /** Pictures for the next question. */
  readonly pending: readonly Picture[];
  /** How many pictures the dialog has already. */
  readonly sent: number;
  readonly onAsk: (question: string) => void;
  readonly onStop: () => void;
  readonly onFiles: (files: Iterable<File>) => void;
  readonly onAddress: (address: string) => boolean;
  readonly onRemove: (picture: Picture) => void;
}

/** Where questions are written and pictures handed in. */
export const Composer = ({ ref, running, pending, sent, ...on }: Props) => {
  const t = useText();
  const [question, setQuestion] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const focus = (): void => {
    // On a touch screen this would push up the keyboard unasked.
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
  };
  useImperativeHandle(ref, () => ({ focus, choose: () => files.current?.click() }));

  // As high as its text; the style sheet sets the limit.
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [question]);

  const submit = (): void => {
    if (running || question.trim() === '') return;
    setQuestion('');
    on.onAsk(question.trim());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses characters.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {pending.length > 0 && (
        <ul className="pending" aria-label={t('pictures')}>
          {pending.map((picture, index) => (
            <li key={picture.key} className="thumbnail">
              <Thumbnail picture={picture} number={sent + index + 1} />
              <RemoveButton number={sent + index + 1} onRemove={() => on.onRemove(picture)} />
            </li>
          ))}
        </ul>
      )}
      <AddMenu onFiles={on.onFiles} onAddress={on.onAddress} files={files} onAdded={focus} />
      <textarea
        ref={field}
        id="question"
        rows={1}
        enterKeyHint="send"
        aria-label={t('question')}
        placeholder={t(sent + pending.length > 0 ? 'placeholder' : 'placeholderEmpty')}
        value={question}
        onChange={({ target }) => setQuestion(target.value)}
        onKeyDown={onKeyDown}
      />
      {running ? (
        <button key="stop" type="button" className="round primary" aria-label={t('stop')} onClick={on.onStop}>
          <Icon name="stop" />
        </button>
      ) : (
        <button
          key="send"
          type="submit"
          className="round primary"
          aria-label={t('send')}
          aria-disabled={question.trim() === ''}
        >
          <Icon name="send" />
        </button>
      )}
    </form>
  );
};
