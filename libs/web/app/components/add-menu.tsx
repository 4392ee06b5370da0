import { type KeyboardEvent, type RefObject, useId, useRef, useState } from 'react';
import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';

interface Props {
  readonly onFiles: (files: Iterable<File>) => void;
  /** Whether the text was an address. */
  readonly onAddress: (address: string) => boolean;
  /** The field that opens the choice of files. */
  readonly files: RefObject<HTMLInputElement | null>;
  readonly onAdded: () => void;
}

/** The ways to add pictures: files, the camera of a phone, a web address. */
export const AddMenu = ({ onFiles, onAddress, files, onAdded }: Props) => {
  const t = useText();
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const [address, setAddress] = useState('');
  const [wrong, setWrong] = useState(false);
  const open = (input: HTMLInputElement | null): void => {
    menu.current?.hidePopover();
    input?.click();
  };
  const submit = (): void => {
    if (!onAddress(address)) {
      setWrong(true);
      return;
    }
    setAddress('');
    menu.current?.hidePopover();
    onAdded();
  };
  const input = (
    ref: RefObject<HTMLInputElement | null>,
    more: { readonly multiple?: true; readonly capture?: 'environment' },
  ) => (
    <input
      ref={ref}
      type="file"
      accept="image/*"
      hidden
      {...more}
      onChange={({ target }) => {
        onFiles([...(target.files ?? [])]);
        target.value = '';
      }}
    />
  );
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    // The form around it is the question's.
    event.preventDefault();
    submit();
  };
  return (
    <>
      <button type="button" className="round" aria-label={t('addPictures')} popoverTarget={id}>
        <Icon name="add" />
      </button>
      <div ref={menu} id={id} popover="auto" className="popover menu">
        <button type="button" onClick={() => open(files.current)}>
          <Icon name="file" />
          {t('fromFiles')}
        </button>
        <button type="button" className="touch-only" onClick={() => open(camera.current)}>
          <Icon name="camera" />
          {t('fromCamera')}
        </button>
        <div className="address">
          <label>
            <span>
              <Icon name="link" />
              {t('fromAddress')}
            </span>
            <input
              type="url"
              aria-label={t('address')}
              placeholder="https://"
              aria-invalid={wrong}
              aria-describedby={`${id}-help`}
              value={address}
              onChange={({ target }) => {
                setAddress(target.value);
                setWrong(false);
              }}
              onKeyDown={onKeyDown}
            />
          </label>
          <button type="button" className="secondary" onClick={submit}>
            {t('add')}
          </button>
          <p id={`${id}-help`} role={wrong ? 'alert' : undefined}>
            {t(wrong ? 'addressWrong' : 'addressHelp')}
          </p>
        </div>
      </div>
      {input(files, { multiple: true })}
      {input(camera, { capture: 'environment' })}
    </>
  );
};
