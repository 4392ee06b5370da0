import { type CSSProperties, type PointerEvent, type ReactNode, useState } from 'react';
import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';
import { Modal } from './modal.tsx';

const ZOOMS: readonly number[] = [1, 1.5, 2, 3, 4];

/** Moves what is larger than its frame along with the mouse; fingers scroll by themselves. */
const pan = ({ currentTarget, buttons, pointerType, movementX, movementY }: PointerEvent<HTMLDivElement>): void => {
  if (buttons === 1 && pointerType === 'mouse') currentTarget.scrollBy(-movementX, -movementY);
};

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A picture as large as the window, and larger. */
export const Enlarged = ({ title, onClose, children }: Props) => {
  const t = useText();
  const [step, setStep] = useState(0);
  const tools = (
    <>
      <button
        type="button"
        className="tool"
        aria-label={t('zoomOut')}
        disabled={step === 0}
        onClick={() => setStep(step - 1)}
      >
        <Icon name="minus" />
      </button>
      <button
        type="button"
        className="tool"
        aria-label={t('zoomIn')}
        disabled={step === ZOOMS.length - 1}
        onClick={() => setStep(step + 1)}
      >
        <Icon name="add" />
      </button>
    </>
  );
  return (
    <Modal title={title} className="enlarged" onClose={onClose} tools={tools}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: for the pointer only; the buttons zoom, and arrow keys scroll. */}
      <div
        className="canvas"
        style={{ '--zoom': ZOOMS[step] } as CSSProperties}
        onPointerMove={pan}
        onDoubleClick={() => setStep(step === 0 ? 2 : 0)}
      >
        {children}
      </div>
    </Modal>
  );
};
