import { useState } from 'react';
import { allPictures, type Dialog, type DialogAction, isRunning, picturesOf } from '../dialog/dialog.ts';
import { useText } from '../i18n/text.ts';
import { Enlarged } from './enlarged.tsx';
import { MarkedPicture } from './marked-picture.tsx';
import { Thumbnail } from './thumbnail.tsx';

interface Props {
  readonly dialog: Dialog;
  readonly dispatch: (action: DialogAction) => void;
}

/** The pictures of the dialog: one in view with its boxes, the others beside it in small. */
export const Stage = ({ dialog, dispatch }: Props) => {
  const t = useText();
  const [enlarged, setEnlarged] = useState(false);
  const pictures = allPictures(dialog);
  const { turns, shown, focused, highlighted } = dialog;
  const picture = pictures[shown];
  if (!picture) return null;
  const turn = turns.find(({ id }) => id === focused);
  const marks = (turn?.answer.groundings ?? [])
    .map((grounding, index) => ({ grounding, index }))
    .filter(({ grounding }) => grounding.imageIndex === shown);
  const sent = picturesOf(turns).length;
  const looking =
    isRunning(dialog) && shown < sent && picture.imageId === undefined && turns.at(-1)?.answer.state === 'waiting';
  const view = {
    picture,
    number: shown + 1,
    marks,
    highlighted,
    onPoint: (grounding: number | undefined) => turn && dispatch({ type: 'pointed', turn: turn.id, grounding }),
    onMeasure: (width: number, height: number) =>
      dispatch({ type: 'pictureMeasured', key: picture.key, width, height }),
  };
  return (
    <section className="stage" aria-label={t('pictures')}>
      <MarkedPicture {...view} looking={looking} onOpen={() => setEnlarged(true)} />
      {pictures.length > 1 && (
        <ol className="strip">
          {pictures.map((each, index) => (
            <li key={each.key} className={index < sent ? '' : 'unsent'}>
              <button
                type="button"
                className="thumbnail"
                aria-label={t('showPicture', { n: index + 1 }) + (index < sent ? '' : ` (${t('notSent')})`)}
                aria-current={index === shown}
                onClick={() => dispatch({ type: 'pictureShown', index })}
              >
                <Thumbnail picture={each} number={index + 1} />
              </button>
            </li>
          ))}
        </ol>
      )}
      {enlarged && (
        <Enlarged title={t('picture', { n: shown + 1 })} onClose={() => setEnlarged(false)}>
          <MarkedPicture {...view} />
        </Enlarged>
      )}
    </section>
  );
};
