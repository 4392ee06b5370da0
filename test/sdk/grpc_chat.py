"""Talks to the gRPC API with a client generated from its contracts, and prints what it saw as JSON.

Usage: grpc_chat.py HOST:PORT PROTO_FOLDER PICTURE
"""

import json
import pathlib
import sys
import tempfile

import grpc
from grpc_tools import protoc

address, protos, picture_path = sys.argv[1:]

generated = tempfile.TemporaryDirectory()
files = [str(path) for path in pathlib.Path(protos, "eidetic").rglob("*.proto")]
files += [str(path) for path in pathlib.Path(protos, "google").rglob("*.proto")]
wellknown = str(pathlib.Path(protoc.__file__).parent / "_proto")
status = protoc.main(
    ["protoc", f"-I{protos}", f"-I{wellknown}", f"--python_out={generated.name}", f"--grpc_python_out={generated.name}", *files]
)
assert status == 0, f"protoc ended with {status}"
# Modules of google.rpc would hide google.protobuf: the package google is extended, not replaced.
import google  # noqa: E402

google.__path__.append(f"{generated.name}/google")
sys.path.insert(0, generated.name)
from eidetic.v1 import chat_pb2, chat_pb2_grpc, image_pb2, image_pb2_grpc  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402


def content(*parts):
    return [chat_pb2.ChatMessage(role=chat_pb2.ROLE_USER, content=parts)]


def text(value):
    return chat_pb2.ContentPart(text=value)


def image(**source):
    return chat_pb2.ContentPart(image=image_pb2.ImageSource(**source))


def answer(chat, request, **options):
    """The text, the boxes and the end of an answer."""
    seen = {"text": "", "boxes": []}
    for response in chat.Chat(request, **options):
        kind = response.WhichOneof("event")
        if kind == "started":
            seen["images"] = [[each.image_id, each.width, each.height, each.cached] for each in response.started.images]
        elif kind == "text":
            seen["text"] += response.text.text
        elif kind == "grounding":
            box = response.grounding.grounding.box
            seen["boxes"].append([response.grounding.grounding.text, box.x1, box.y1, box.x2, box.y2])
        elif kind == "finished":
            seen["prompt_tokens"] = response.finished.usage.prompt_tokens
    return seen


def failure(call):
    """The status of a call that fails, the reason in ErrorInfo and the field in BadRequest."""
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        trailer = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        told = {"code": error.code().name}
        for detail in status_pb2.Status.FromString(trailer).details:
            info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                told["reason"] = info.reason
            elif detail.Unpack(request):
                told["field"] = request.field_violations[0].field
        return told
    return None


with grpc.insecure_channel(address, compression=grpc.Compression.Gzip) as channel:
    chat = chat_pb2_grpc.ChatServiceStub(channel)
    images = image_pb2_grpc.ImageServiceStub(channel)
    picture = pathlib.Path(picture_path).read_bytes()
    question = text("Draw a box around the steam train.")

    def pieces():
        yield image_pb2.UploadRequest(size_bytes=len(picture), chunk=picture[:1000])
        for at in range(1000, len(picture), 1000):
            yield image_pb2.UploadRequest(chunk=picture[at : at + 1000])

    uploaded = images.Upload(pieces())
    encoded = images.Encode(image_pb2.ImageServiceEncodeRequest(image=image_pb2.ImageSource(image_id=uploaded.image_id)))
    long = chat_pb2.ChatRequest(messages=content(text("Count.")), ignore_eos=True, max_tokens=2000)
    cancelled = chat.Chat(long)
    next(cancelled)
    cancelled.cancel()
    print(
        json.dumps(
            {
                "models": [model.name for model in chat.ListModels(chat_pb2.ListModelsRequest()).models],
                "uploaded": [uploaded.image_id, uploaded.width, uploaded.height],
                "encoded": [encoded.cached, encoded.embedding.tokens, encoded.embedding.hidden, len(encoded.embedding.data)],
                "inline": answer(chat, chat_pb2.ChatRequest(messages=content(image(data=picture), question))),
                "named": answer(chat, chat_pb2.ChatRequest(messages=content(image(image_id=uploaded.image_id), question))),
                "cancelled": failure(cancelled),
                "late": failure(chat.Chat(long, timeout=0.2)),
                "wrong": failure(chat.Chat(chat_pb2.ChatRequest(messages=content(question), stop=["", "a"]))),
                "no_picture": failure(chat.Chat(chat_pb2.ChatRequest(messages=content(image(data=b"x"), question)))),
            }
        )
    )
