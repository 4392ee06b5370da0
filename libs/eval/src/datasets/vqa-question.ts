import { type EvalQuestion, pictureQuestion } from '../question.ts';

/** A question about one picture, put as eval_mm/evaluate_vqa.py in github.com/QwenLM/Qwen-VL puts all of them. */
export const vqaQuestion = (id: string, image: string, question: string): EvalQuestion =>
  pictureQuestion(id, [
    { type: 'image', image },
    { type: 'text', text: `${question} Answer:` },
  ]);
