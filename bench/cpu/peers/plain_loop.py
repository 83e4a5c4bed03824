"""The same script in Python. argv: what to reach (JSON), how many."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import paho.mqtt.client as mqtt
from botocore.config import Config

peers = json.loads(sys.argv[1])
devices = int(sys.argv[2])
iot = boto3.client(
    "iot",
    region_name="eu-west-1",
    endpoint_url=peers["api"],
    config=Config(max_pool_connections=peers["concurrency"]),
)


def test(index):
    client_id = f"bench-{index}"
    username = f"{client_id}?x-amz-customauthorizer-name={peers['authorizer']}"
    answer = iot.test_invoke_authorizer(
        authorizerName=peers["authorizer"],
        mqttContext={"clientId": client_id, "username": username, "password": peers["password"].encode()},
    )
    if not answer["isAuthenticated"]:
        raise RuntimeError("not authenticated")
    done = threading.Event()
    codes = []

    def on_connect(client, _userdata, _flags, code):
        codes.append(code)
        done.set()

    client = mqtt.Client(client_id=client_id)
    client.tls_set(ca_certs=peers["ca"])
    client.username_pw_set(username, peers["password"])
    client.on_connect = on_connect
    # The certificate is valid for this name too.
    client.connect("localhost", peers["port"])
    client.loop_start()
    if not done.wait(10) or codes[0] != 0:
        raise RuntimeError(f"not connected: {codes}")
    client.disconnect()
    client.loop_stop()


with ThreadPoolExecutor(peers["concurrency"]) as pool:
    list(pool.map(test, range(devices)))
