import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';

interface Props {
  readonly title: string;
  readonly className: string;
  readonly onClose: () => void;
  /** Beside the title. */
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

/** A window over the page. The browser keeps the focus in it and gives it back; Escape and a click beside it close it. */
export const Modal = ({ title, className, onClose, tools, children }: Props) => {
  const t = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  // Closed before it leaves the document: only then the browser gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: for the pointer only; Escape closes it as well.
    <dialog
      ref={dialog}
      className={`modal ${className}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={({ target, currentTarget }) => target === currentTarget && onClose()}
    >
      <div className="modal-body">
        <header>
          <h2>{title}</h2>
          {tools}
          <button type="button" className="tool" aria-label={t('close')} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
};
