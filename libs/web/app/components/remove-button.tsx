import { useText } from '../i18n/text.ts';
import { Icon } from './icon.tsx';

/** Takes a picture out of the dialog, from the corner of its thumbnail. */
export const RemoveButton = ({ number, onRemove }: { readonly number: number; readonly onRemove: () => void }) => (
  <button type="button" className="remove" aria-label={useText()('removePicture', { n: number })} onClick={onRemove}>
    <Icon name="close" />
  </button>
);
