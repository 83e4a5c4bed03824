"""Makes calls with boto3 (Debian's, under /usr/bin/python3) and prints how each ended.

stdin:  {"endpoint": URL, "calls": [CALL]}, where CALL has "caller", "region"? and
        {"operation", "arguments"?, "pageSize"?} or {"signed": {"service", "method", "path", "body"?}}
stdout: [{"status", "requestId", "answer"} or {"status", "requestId", "exception", "code", "message"}]

With `pageSize`, the answer holds all pages as boto3's paginator joins them. `signed` requests are for operations that
Debian's boto3 is too old to know: botocore signs and sends them.
"""

import json
import sys

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

CLIENTS = {}


def client(endpoint, region, caller):
    """One client for each caller and region: making one costs more than a call."""
    key = (region, *caller)
    if key not in CLIENTS:
        CLIENTS[key] = boto3.client(
            "iot",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=caller[0],
            aws_secret_access_key=caller[1],
            aws_session_token=caller[2] if len(caller) > 2 else None,
            config=Config(retries={"total_max_attempts": 1}),
        )
    return CLIENTS[key]


def by_boto3(endpoint, region, caller, call):
    iot, arguments = client(endpoint, region, caller), call.get("arguments", {})
    try:
        if "pageSize" in call:
            pages = iot.get_paginator(call["operation"]).paginate(
                PaginationConfig={"PageSize": call["pageSize"]}, **arguments
            )
            return {"status": 200, "requestId": None, "answer": pages.build_full_result()}
        answer = getattr(iot, call["operation"])(**arguments)
        return {**meta(answer.pop("ResponseMetadata")), "answer": answer}
    except ClientError as error:
        told = error.response["Error"]
        return {
            **meta(error.response["ResponseMetadata"]),
            "exception": type(error).__name__,
            "code": told["Code"],
            "message": told["Message"],
        }


def meta(metadata):
    return {"status": metadata["HTTPStatusCode"], "requestId": metadata.get("RequestId")}


def by_signature(endpoint, region, caller, signed):
    body = json.dumps(signed["body"]) if "body" in signed else None
    request = AWSRequest(method=signed["method"], url=endpoint + signed["path"], data=body)
    SigV4Auth(Credentials(*caller), signed["service"], region).add_auth(request)
    response = URLLib3Session(timeout=20).send(request.prepare())
    told = {"status": response.status_code, "requestId": response.headers.get("x-amzn-requestid")}
    answer = json.loads(response.content)
    if response.status_code == 200:
        return {**told, "answer": answer}
    code = response.headers["x-amzn-errortype"].split(":")[0]
    return {**told, "exception": code, "code": code, "message": answer["message"]}


def make(endpoint, call):
    region, caller = call.get("region", "eu-west-1"), call["caller"]
    if "signed" in call:
        return by_signature(endpoint, region, caller, call["signed"])
    return by_boto3(endpoint, region, caller, call)


task = json.load(sys.stdin)
json.dump([make(task["endpoint"], call) for call in task["calls"]], sys.stdout, default=str)
