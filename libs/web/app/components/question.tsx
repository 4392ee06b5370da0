import { type KeyboardEvent, useState } from 'react';
import type { Picture, Turn } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';
import { RemoveButton } from './remove-button.tsx';
import { Thumbnail } from './thumbnail.tsx';

interface Props {
  readonly turn: Turn;
  /** Index of its first picture in the dialog. */
  readonly firstPicture: number;
  readonly onShow: (picture: number) => void;
  /** Asks it in other words; undefined where that cannot be done. */
  readonly onEdit: ((question: string) => void) | undefined;
  /** Takes a picture out of the dialog; undefined where that cannot be done. */
  readonly onRemove: ((picture: Picture) => void) | undefined;
}

/** Not made anew with each drawing, as it would be called then, and take the focus from where it has gone. */
const focusOn = (element: HTMLElement | null): void => element?.focus();

/** What was asked, with the pictures that came along. */
export const Question = ({ turn, firstPicture, onShow, onEdit, onRemove }: Props) => {
  const t = useText();
  const [draft, setDraft] = useState<string>();
  const submit = (): void => {
    const question = draft?.trim() ?? '';
    if (question === '') return;
    setDraft(undefined);
    onEdit?.(question);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, both keys are its own.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') setDraft(undefined);
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    submit();
  };
  return (
    <div className="question">
      <span className="unseen">{t('you')}</span>
      {turn.pictures.length > 0 && (
        <div className="attached">
          {turn.pictures.map((picture, offset) => {
            const index = firstPicture + offset;
            return (
              <span key={picture.key} className="removable">
                <button
                  type="button"
                  className="thumbnail"
                  aria-label={t('showPicture', { n: index + 1 })}
                  onClick={() => onShow(index)}
                >
                  <Thumbnail picture={picture} number={index + 1} />
                </button>
                {onRemove && <RemoveButton number={index + 1} onRemove={() => onRemove(picture)} />}
              </span>
            );
          })}
        </div>
      )}
      {draft === undefined || onEdit === undefined ? (
        <div className="said">
          {onEdit && (
            <button
              type="button"
              className="tool"
              aria-label={t('edit')}
              title={t('edit')}
              onClick={() => setDraft(turn.question)}
            >
              <Icon name="edit" />
            </button>
          )}
          <p>{turn.question}</p>
        </div>
      ) : (
        <form
          className="editing"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <textarea
            ref={focusOn}
            aria-label={t('edit')}
            rows={2}
            value={draft}
            onChange={({ target }) => setDraft(target.value)}
            onKeyDown={onKeyDown}
          />
          <p className="actions">
            <button type="button" className="secondary" onClick={() => setDraft(undefined)}>
              {t('cancel')}
            </button>
            <button type="submit" className="primary">
              {t('askAnew')}
            </button>
          </p>
        </form>
      )}
    </div>
  );
};
