import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dataset, ScoreRow } from '../src/dataset.ts';
import { DATASET_FORMATS } from '../src/datasets/formats.ts';
import { missingPictures } from '../src/missing-pictures.ts';
import { openAiAnswerer } from '../src/openai-answerer.ts';
import { partsOf } from '../src/question.ts';
import { readPicture } from '../src/read-picture.ts';
import { summarise } from '../src/summary.ts';
import { startFakeServer } from './support/fake-server.ts';

const DATA = join(import.meta.dirname, 'data');
const at = (path: string): string => resolve(DATA, path);

async function open(format: string, paths: readonly string[], images?: string): Promise<Dataset> {
  const found = DATASET_FORMATS.find(({ name }) => name === format);
  if (found === undefined) throw new Error(`There is no format ${format}.`);
  return found.open({ paths: paths.map(at), ...(images !== undefined && { images: at(images) }) });
}

/** Has a server answer every question as told by what it is asked, and scores that. */
async function run(
  dataset: Dataset,
  answers: Readonly<Record<string, string | Record<string, number>>>,
  style = dataset.style,
) {
  expect([...(await missingPictures(dataset.questions, style))]).toEqual([]);
  await using server = await startFakeServer(({ text }) => answers[text] ?? 'nothing of the kind');
  const answer = openAiAnswerer(
    { baseUrl: server.baseUrl, timeoutMs: 10_000 },
    { model: 'fake', style, maxTokens: dataset.maxTokens, minTokens: dataset.minTokens },
  );
  const outputs = new Map<string, string>();
  for (const question of dataset.questions) {
    outputs.set(question.id, await answer(question, new AbortController().signal));
  }
  expect(server.asked.map(({ text }) => text).filter((text) => !Object.hasOwn(answers, text))).toEqual([]);
  return { rows: dataset.score(dataset.questions, outputs), outputs, asked: server.asked };
}

/** The rows with the figures rounded to a tenth, by part. */
const figuresOf = (rows: readonly ScoreRow[]) =>
  Object.fromEntries(
    rows.map(({ part, questions, figures }) => [
      part,
      [questions, ...Object.values(figures).map((figure) => Math.round(10 * figure) / 10)],
    ]),
  );

const CAPTION = '<img>Describe the image in English:';

describe('VQAv2', () => {
  const answers = {
    '<img>Is the sky blue? Answer:': ' yes',
    '<img>How many boats are there? Answer:': ' 3',
    '<img>What is on the plate? Answer:': ' soup',
  };

  it('is asked as the paper does and scored by type of answer', async () => {
    const dataset = await open(
      'vqav2',
      ['vqav2/v2_OpenEnded_mscoco_val2014_questions.json', 'vqav2/v2_mscoco_val2014_annotations.json'],
      'coco',
    );
    const { rows, asked, outputs } = await run(dataset, answers);
    expect(figuresOf(rows)).toEqual({ 'yes/no': [1, 100], number: [1, 100], other: [1, 0], all: [3, 66.7] });
    expect(asked[0]).toMatchObject({
      path: '/v1/completions',
      body: { temperature: 0, max_tokens: 10, min_tokens: 1 },
    });
    expect(JSON.parse(dataset.submission?.(dataset.questions, outputs) ?? '')).toEqual([
      { question_id: 42000, answer: 'yes' },
      { question_id: 42001, answer: '3' },
      { question_id: 73000, answer: 'soup' },
    ]);
  });

  it('is read in the form of the Qwen-VL evaluation with the official annotations', async () => {
    const dataset = await open('vqav2', ['qwen-vl/vqav2_val.jsonl', 'vqav2/v2_mscoco_val2014_annotations.json']);
    const { rows } = await run(dataset, answers);
    expect(figuresOf(rows)).toEqual({ 'yes/no': [1, 100], number: [1, 100], all: [2, 100] });
  });

  it('is asked and not scored without annotations, as test-dev is', async () => {
    const dataset = await open('vqav2', ['vqav2/v2_OpenEnded_mscoco_test-dev2015_questions.json'], 'coco');
    const { rows } = await run(dataset, { '<img>What is this? Answer:': 'a boat' });
    expect(rows).toEqual([{ part: 'all', questions: 1, failed: 0, figures: {} }]);
    expect(dataset.notes).toEqual(['Without annotations the answers are not scored.']);
  });

  it('refuses annotations of another split', async () => {
    const paths = ['vqav2/v2_OpenEnded_mscoco_val2014_questions.json', 'okvqa/mscoco_val2014_annotations.json'];
    await expect(open('vqav2', paths, 'coco')).rejects.toThrow(/no annotation of the question 42000 of .*same split/);
  });
});

it('reads OK-VQA', async () => {
  const paths = ['okvqa/OpenEnded_mscoco_val2014_questions.json', 'okvqa/mscoco_val2014_annotations.json'];
  const { rows } = await run(await open('okvqa', paths, 'coco'), {
    '<img>Who makes this sort of cake? Answer:': ' baker',
  });
  expect(figuresOf(rows)).toEqual({ other: [1, 100], all: [1, 100] });
});

it('reads TextVQA', async () => {
  const { rows } = await run(await open('textvqa', ['textvqa/TextVQA_0.5.1_val.json']), {
    '<img>what is the name of the shop? Answer:': ' Lindt',
  });
  expect(figuresOf(rows)).toEqual({ all: [1, 100] });
});

describe('DocVQA', () => {
  it('is scored by ANLS over all wanted answers', async () => {
    const dataset = await open('docvqa', ['docvqa/val_v1.0.json']);
    const { rows, asked, outputs } = await run(dataset, {
      '<img>What is the invoice number? Answer:': ' a 2000',
      '<img>Who signed the letter? Answer:': ' Martha Quilt',
    });
    // One of twelve characters is wrong.
    expect(figuresOf(rows)).toEqual({ all: [2, 95.8] });
    expect(asked[0]?.body).toMatchObject({ max_tokens: 100 });
    expect(JSON.parse(dataset.submission?.(dataset.questions, outputs) ?? '')[1]).toEqual({
      questionId: 49154,
      answer: 'Martha Quilt',
    });
  });

  it('is read in the form of the Qwen-VL evaluation', async () => {
    const { rows } = await run(await open('docvqa', ['qwen-vl/docvqa_val.jsonl']), {
      '<img>What is the invoice number? Answer:': 'A-2000',
    });
    expect(figuresOf(rows)).toEqual({ all: [1, 100] });
  });
});

describe('ChartQA', () => {
  it('has a part for each file, and numbers may be five percent off', async () => {
    const dataset = await open('chartqa', ['chartqa/test_human.json', 'chartqa/test_augmented.json']);
    const { rows } = await run(dataset, {
      '<img>How many bars are above 10? Answer:': ' 4',
      '<img>Which year had the lowest value? Answer:': ' 2009',
      '<img>What was the revenue in 2010? Answer:': ' 53',
    });
    expect(figuresOf(rows)).toEqual({ test_human: [2, 50], test_augmented: [1, 100], all: [3, 66.7] });
  });

  it('is read in the form of the Qwen-VL evaluation', async () => {
    const { rows } = await run(await open('chartqa', ['qwen-vl/test_human.jsonl']), {
      '<img>How many bars are above 10? Answer:': ' 3',
    });
    expect(figuresOf(rows)).toEqual({ test_human: [1, 100], all: [1, 100] });
  });
});

it.each([
  ['gqa', 'It is the car.', 100],
  ['ai2d', 'Car', 100],
  ['ai2d', 'a car', 0],
  ['ocrvqa', 'CAR', 100],
])('reads %s, of which %j gets %d %%', async (format, answer, score) => {
  const dataset = await open(format, ['qwen-vl/short_answers.jsonl']);
  const { rows } = await run(dataset, { '<img>What is in front? Answer:': answer });
  expect(figuresOf(rows)).toEqual({ all: [1, score] });
});

describe('captions', () => {
  it('of Flickr30K are asked for the pictures of the test split', async () => {
    const dataset = await open('flickr30k', ['flickr30k/dataset_flickr30k.json']);
    expect(dataset.questions.map(({ id }) => id)).toEqual(['1', '2']);
    const good = dataset.score(
      dataset.questions,
      new Map([
        ['1', 'Two girls sit on a red bench.'],
        ['2', 'A man repairs an old bicycle.'],
      ]),
    );
    const { rows, asked } = await run(dataset, { [CAPTION]: ' A man repairs an old bicycle.' });
    expect(asked[0]?.body).toMatchObject({ max_tokens: 30, min_tokens: 8 });
    // The caption fits one of both pictures.
    expect(good[0]?.figures.CIDEr).toBeGreaterThan(rows[0]?.figures.CIDEr ?? Number.POSITIVE_INFINITY);
    expect(rows[0]?.figures.CIDEr).toBeGreaterThan(0);
  });

  it('of NoCaps have a row for each domain', async () => {
    const { rows } = await run(await open('nocaps', ['nocaps/nocaps_val_4500_captions.json']), {
      [CAPTION]: 'A goat on top of a rock.',
    });
    expect(rows.map(({ part, questions }) => [part, questions])).toEqual([
      ['in-domain', 1],
      ['out-domain', 1],
      ['all', 2],
    ]);
    expect(rows[2]?.figures.CIDEr).toBeGreaterThan(0);
  });

  it('are read in the form of the Qwen-VL evaluation', async () => {
    const { rows } = await run(await open('flickr30k', ['qwen-vl/flickr30k_karpathy_test.json']), {
      [CAPTION]: 'A cat.',
    });
    expect(rows.map(({ part, questions }) => [part, questions])).toEqual([['all', 1]]);
  });
});

describe('RefCOCO', () => {
  const paths = ['refcoco/refcoco_val.jsonl', 'refcoco/refcoco_testA.jsonl'];

  it('has the model go on with an open box, and a row for each split', async () => {
    const { rows, asked } = await run(await open('refcoco', paths), {
      '<img><ref>left cup</ref><box>': '(100,100),(500,500)</box>',
      '<img><ref>spoon by the plate</ref><box>': '(0,0),(200,200)</box>',
      '<img><ref>man in black</ref><box>': '(0,0),(490,990)</box>',
    });
    expect(figuresOf(rows)).toEqual({ refcoco_val: [2, 50], refcoco_testA: [1, 100] });
    expect(asked[0]?.body).toMatchObject({ max_tokens: 28, min_tokens: 10 });
  });

  it('asks for the box in dialogs', async () => {
    const box = '<ref>it</ref><box>(100,100),(500,500)</box>';
    const { rows, asked } = await run(
      await open('refcoco', paths),
      {
        '<img>Draw a box around this: left cup': box,
        '<img>Draw a box around this: spoon by the plate': box,
        '<img>Draw a box around this: man in black': 'There is none.',
      },
      'chat',
    );
    expect(figuresOf(rows)).toEqual({ refcoco_val: [2, 50], refcoco_testA: [1, 0] });
    expect(asked[0]?.path).toBe('/v1/chat/completions');
  });
});

describe('SEED-Bench', () => {
  const options = (...names: readonly string[]) => names.map((name, index) => `${'ABCD'[index]}. ${name}`).join('\n');
  const weather = `<img>\nQuestion: What is the weather like?\nOptions: ${options('Rain', 'Snow', 'Sun', 'Fog')}\nAnswer:`;
  const towels = `<img>\nQuestion: How many towels are there?\nOptions: ${options('One', 'Two', 'Three', 'Four')}\nAnswer:`;
  const video = `${'<img>\n'.repeat(4)}Question: What is being done?\nOptions: ${options('Opening a box', 'Closing a box', 'Lifting a cup', 'Turning a page')}\nAnswer:`;

  it('takes the likeliest letter, videos by four frames, with a row for each dimension', async () => {
    const dataset = await open('seed-bench', ['seed-bench/SEED-Bench.json']);
    const { rows, asked, outputs } = await run(dataset, {
      [weather]: { ' The': -0.1, ' C': -1, ' A': -2 },
      [towels]: { ' D': -0.5, ' A': -0.6 },
      [video]: { ' B': -3, B: -0.1 },
    });
    expect(figuresOf(rows)).toEqual({
      'Scene Understanding': [1, 100],
      'Instances Counting': [1, 0],
      'Action Recognition': [1, 100],
      image: [2, 50],
      video: [1, 100],
      all: [3, 66.7],
    });
    expect(asked[0]?.body).toMatchObject({ max_tokens: 1, logprobs: 20 });
    expect(dataset.submission?.(dataset.questions, outputs).split('\n')[0]).toBe(
      '{"question_id":"101669","prediction":"C"}',
    );
  });

  it('asks for the letter in dialogs', async () => {
    const ask = '\nAnswer with the letter of the right option.';
    const { rows } = await run(
      await open('seed-bench', ['seed-bench/SEED-Bench.json']),
      { [weather + ask]: 'C.', [towels + ask]: 'A: one', [video + ask]: 'Closing a box' },
      'chat',
    );
    expect(figuresOf(rows)).toMatchObject({ image: [2, 100], video: [1, 0] });
  });

  it('leaves videos out, and says so, where there are no frames', async () => {
    const dataset = await open('seed-bench', ['seed-bench/SEED-Bench.json'], 'seed-bench/SEED-Bench-image');
    expect(dataset.questions).toHaveLength(2);
    expect(dataset.notes).toEqual([expect.stringMatching(/^1 questions about videos are left out/)]);
  });

  it('is read in the form of the Qwen-VL evaluation', async () => {
    const { rows } = await run(await open('seed-bench', ['qwen-vl/image_input.jsonl']), { [weather]: { ' C': -1 } });
    expect(figuresOf(rows)).toEqual({ image_input: [1, 100], all: [1, 100] });
  });
});

describe('MME', () => {
  it('is read in both of its layouts, and gives points for answers and for pairs', async () => {
    const dataset = await open('mme', ['mme']);
    const withoutPerception = 'count, position, color, posters, celebrity, scene, landmark, OCR';
    const withoutCognition = 'commonsense_reasoning, numerical_calculation, text_translation';
    const { rows, asked } = await run(dataset, {
      '<img>Is there a train in this image? Please answer yes or no.': 'Yes, there is.',
      '<img>Is there a bear in this image? Please answer yes or no.': 'No.',
      '<img>Is this artwork a painting? Please answer yes or no.': 'Yes',
      '<img>Is this artwork made of glass? Please answer yes or no.': 'Yes',
      '<img>Does the program print 5? Please answer yes or no.': 'yes',
      '<img>Does the program print 6? Please answer yes or no.': 'no',
    });
    expect(figuresOf(rows)).toEqual({
      existence: [2, 200],
      artwork: [2, 50],
      code_reasoning: [2, 200],
      [`perception (without ${withoutPerception})`]: [4, 250],
      [`cognition (without ${withoutCognition})`]: [2, 200],
      [`all (without ${withoutPerception}, ${withoutCognition})`]: [6, 450],
    });
    // Published is the sum of all ten.
    expect(summarise(dataset, rows).rows.flatMap(({ part, published }) => (published ? part : []))).toEqual([
      'existence',
      'artwork',
      'code_reasoning',
    ]);
    expect(asked[0]?.path).toBe('/v1/chat/completions');
    expect(dataset.notes).toEqual([expect.stringMatching(/^There is no folder for count, position, /)]);
  });

  it('says when a folder is not its own', async () => {
    await expect(open('mme', ['docvqa'])).rejects.toThrow(/none of MME's folders/);
  });
});

describe('TouchStone', () => {
  it('is asked by chat, and its submission is the table with the answers', async () => {
    const dataset = await open('touchstone', ['touchstone/touchstone.tsv']);
    const { rows, outputs } = await run(dataset, {
      '<img>Describe the picture in one sentence.': 'It is teal.',
      '<img>Write a short poem about it.': 'Teal,\n"deep"\tteal.',
    });
    expect(rows).toEqual([
      { part: 'Simple description', questions: 1, failed: 0, figures: {} },
      { part: 'Poetry', questions: 1, failed: 0, figures: {} },
      { part: 'all', questions: 2, failed: 0, figures: {} },
    ]);
    expect(dataset.submission?.(dataset.questions, outputs)).toBe(
      [
        'index\tquestion\thuman_annotation\tgpt4_ha_answer\tcategory\ttask_name\tresponse\n',
        '0\tDescribe the picture in one sentence.\t"A teal square.\nNothing else is in it."\t"The picture is ""teal""."\tbasic\tSimple description\tIt is teal.\n',
        '1\tWrite a short poem about it.\t"A 5"" teal square."\t"Teal\tis calm."\tstory\tPoetry\t"Teal,\n""deep""\tteal."\n',
      ].join(''),
    );
  });
});

it('reads a picture of TouchStone when it is asked for, from where its row is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-touchstone-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'table.tsv');
  // Larger than what a stream reads at once; with a mark, blank lines, line ends and letters of several bytes that move what follows.
  const pictures = [1, 2, 3].map((value) => Buffer.alloc(100_000, value));
  const rows = pictures.map((picture, i) =>
    [i, `"Was?\r\nÄhm ""${i}"" da"`, picture.toString('base64'), 'é', 'x', 'c', 't'].join('\t'),
  );
  const header = 'index\tquestion\timage\thuman_annotation\tgpt4_ha_answer\tcategory\ttask_name';
  await writeFile(path, `\ufeff${header}\r\n\r\n${rows.join('\r\n\r\n')}`);
  const dataset = await open('touchstone', [path]);
  const read = dataset.questions.flatMap((question) =>
    partsOf(question, 'chat').flatMap((part) => (part.type === 'image' ? readPicture(part) : [])),
  );
  for (const [i, bytes] of (await Promise.all(read)).entries()) expect(pictures[i]?.equals(bytes)).toBe(true);
  expect(read).toHaveLength(3);
  await writeFile(path, header);
  const [again] = dataset.questions.flatMap((question) => partsOf(question, 'chat'));
  if (again?.type !== 'image') throw new Error('the picture comes first');
  await expect(readPicture(again)).rejects.toMatchObject({ code: 'invalid_request' });
});

it.each(DATASET_FORMATS.map(({ name }) => name))('%s says which file is not there', async (name) => {
  await expect(open(name, ['none/none.json'])).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(/none/),
  });
});
