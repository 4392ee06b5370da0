import { useEffect, useEffectEvent, useState } from 'react';

/** What comes in from outside the page. */
export interface Incoming {
  readonly onFiles: (files: Iterable<File>) => void;
  /** A picture of another page was dropped. */
  readonly onAddress: (address: string) => void;
}

const firstAddress = (transfer: DataTransfer): string =>
  transfer
    .getData('text/uri-list')
    .split(/\r?\n/)
    .find((line) => line !== '' && !line.startsWith('#')) ?? '';

/** Takes pictures that are dropped or pasted anywhere on the page. Returns whether something hangs over it. */
export const useIncomingPictures = ({ onFiles, onAddress }: Incoming): boolean => {
  const [over, setOver] = useState(false);
  const take = useEffectEvent((transfer: DataTransfer | null): boolean => {
    if (!transfer) return false;
    const files = [...transfer.files];
    if (files.length > 0) onFiles(files);
    return files.length > 0;
  });
  const takeAddress = useEffectEvent((transfer: DataTransfer | null): boolean => {
    const address = transfer === null ? '' : firstAddress(transfer);
    if (address !== '') onAddress(address);
    return address !== '';
  });
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    addEventListener('paste', (event) => take(event.clipboardData) && event.preventDefault(), { signal });
    addEventListener(
      'dragover',
      (event) => {
        if (!event.dataTransfer?.types.some((type) => type === 'Files' || type === 'text/uri-list')) return;
        event.preventDefault();
        setOver(true);
      },
      { signal },
    );
    addEventListener('dragleave', (event) => event.relatedTarget === null && setOver(false), { signal });
    addEventListener(
      'drop',
      (event) => {
        setOver(false);
        if (take(event.dataTransfer) || takeAddress(event.dataTransfer)) event.preventDefault();
      },
      { signal },
    );
    return () => leaving.abort();
  }, []);
  return over;
};
