"""Does with openai's SDK for Python what openai-python.test.ts looks at, and prints what came of it as JSON.

Usage: openai_chat.py ADDRESS ADDRESS_OF_A_BUSY_SERVER PICTURE
"""

import base64
import json
import sys
import time

import openai

address, busy_address, picture_path = sys.argv[1:]
model = "qwen-vl-nano-chat"
client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)

with open(picture_path, "rb") as file:
    picture = "data:image/png;base64," + base64.b64encode(file.read()).decode()


def says(url, text):
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]}


question = says(picture, "Draw a box around the steam train.")
hello = {"role": "user", "content": "Hello!"}


def ask(**parameters):
    return client.chat.completions.create(**{"model": model, "messages": [question], **parameters})


def failure(**parameters):
    try:
        ask(**parameters)
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code, error.param]
    return None


def whole():
    completion = ask()
    return {
        "content": completion.choices[0].message.content,
        "grounding": completion.choices[0].message.grounding,
        "finish_reason": completion.choices[0].finish_reason,
        "prompt_tokens": completion.usage.prompt_tokens,
        "width": completion.eidetic["images"][0]["width"],
        "request_id": completion._request_id,
    }


def streamed():
    content, usage = "", None
    for chunk in ask(stream=True, stream_options={"include_usage": True}):
        content += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    return {"content": content, "completion_tokens": usage.completion_tokens}


def second_turn():
    first = ask()
    name = "eidetic://sha256/" + first.eidetic["images"][0]["id"]
    messages = [says(name, "Draw a box around the steam train."), first.choices[0].message, {"role": "user", "content": "What is this?"}]
    second = ask(messages=messages)
    return second.usage.prompt_tokens_details.cached_tokens >= first.usage.prompt_tokens


def logprobs():
    tokens = ask(logprobs=True, top_logprobs=2, temperature=0).choices[0].logprobs.content
    return bytes(byte for token in tokens for byte in token.bytes or []).decode()


def structured():
    from typing import Literal

    from pydantic import BaseModel

    class Thing(BaseModel):
        color: Literal["red", "green", "blue"]
        large: bool

    completion = client.chat.completions.parse(model=model, messages=[question], response_format=Thing)
    return type(completion.choices[0].message.parsed).__name__


def files():
    with open(picture_path, "rb") as file:
        kept = client.files.create(file=file, purpose="vision")
    content = ask(messages=[says(kept.id, "Draw a box around the steam train.")]).choices[0].message.content
    listed = kept.id in [each.id for each in client.files.list(limit=1)]
    size = len(client.files.content(kept.id).read())
    deleted = client.files.delete(kept.id).deleted
    return {"content": content, "listed": listed, "same_size": size == kept.bytes, "deleted": deleted}


def batch():
    body = {"model": model, "messages": [question]}
    line = {"custom_id": "one", "method": "POST", "url": "/v1/chat/completions", "body": body}
    kept = client.files.create(file=("in.jsonl", json.dumps(line).encode()), purpose="batch")
    made = client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h")
    deadline = time.monotonic() + 30
    while made.status in ("validating", "in_progress", "finalizing") and time.monotonic() < deadline:
        time.sleep(0.1)
        made = client.batches.retrieve(made.id)
    answer = json.loads(client.files.content(made.output_file_id).text)
    content = answer["response"]["body"]["choices"][0]["message"]["content"]
    return {"status": made.status, "custom_id": answer["custom_id"], "content": content}


def retried():
    """The server has one slot and no queue: a second request is refused until the first is left."""
    statuses = []
    stream = None

    def note(response):
        statuses.append(response.status_code)
        if response.status_code == 429:
            stream.close()

    http_client = openai.DefaultHttpxClient(event_hooks={"response": [note]})
    busy = openai.OpenAI(base_url=f"{busy_address}/v1", api_key="none", max_retries=0)
    stream = busy.chat.completions.create(
        model=model, messages=[hello], stream=True, max_tokens=1900, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    try:
        busy.chat.completions.create(model=model, messages=[hello], max_tokens=2)
    except openai.RateLimitError as error:
        refused = [error.code, error.response.headers["retry-after"]]
    patient = openai.OpenAI(base_url=f"{busy_address}/v1", api_key="none", max_retries=10, http_client=http_client)
    answer = patient.chat.completions.create(model=model, messages=[hello], max_tokens=2)
    return {"refused": refused, "first": statuses[0], "last": statuses[-1], "tokens": answer.usage.completion_tokens}


print(
    json.dumps(
        {
            "models": [each.id for each in client.models.list()],
            "whole": whole(),
            "streamed": streamed(),
            "second_turn": second_turn(),
            "logprobs": logprobs(),
            "structured": structured(),
            "files": files(),
            "batch": batch(),
            "failures": {
                "temperature": failure(temperature=3),
                "model": failure(model="gpt"),
                "length": failure(max_tokens=99_999),
                "picture": failure(messages=[says("data:image/png;base64,AAAA", "?")], stream=True),
                "extension": failure(extra_body={"top_k": "many"}),
            },
            "retried": retried(),
        }
    )
)
