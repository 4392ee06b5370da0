import { use } from 'react';
import { allPictures, type Dialog } from '../dialog/dialog.ts';
import { EXAMPLES, QUESTIONS } from '../dialog/examples.ts';
import { LanguageContext, useText } from '../i18n/text.ts';

interface Props {
  readonly dialog: Dialog;
  readonly onAsk: (question: string) => void;
}

/** Questions about the picture in view that were not asked yet. */
export const Suggestions = ({ dialog, onAsk }: Props) => {
  const t = useText();
  const language = use(LanguageContext);
  const picture = allPictures(dialog)[dialog.shown];
  if (!picture) return null;
  const { questions } = EXAMPLES.find(({ file }) => file === picture.example) ?? { questions: QUESTIONS };
  const asked = new Set(dialog.turns.map(({ question }) => question));
  return (
    <ul className="suggestions" aria-label={t('suggestions')}>
      {questions[language]
        .filter((question) => !asked.has(question))
        .map((question) => (
          <li key={question}>
            <button type="button" className="chip" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
    </ul>
  );
};
