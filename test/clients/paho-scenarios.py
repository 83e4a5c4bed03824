"""Plays devices with Eclipse paho (Debian's python3-paho-mqtt) and prints what each saw.

stdin:  {"scenario", "version": 4 or 5, "transport": "tcp" or "websockets", "host", "port", "caFile"}
stdout: what the scenario's function returns, as JSON

A code is a return code of MQTT 3.1.1 or a reason code of MQTT 5; "closed" is an end without one.
"""

import json
import ssl
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

TASK = json.load(sys.stdin)
FIVE = TASK["version"] == 5
DEVICES = []
GIVE_UP_SECONDS = 15


def user(authorizer):
    return "device?x-amz-customauthorizer-name=" + authorizer


class Client(mqtt.Client):
    """Keeps a DISCONNECT's code: paho 1.6 drops it where no properties follow."""

    disconnect_code = None

    def _handle_disconnect(self):
        packet = self._in_packet["packet"]
        self.disconnect_code = packet[0] if packet else 0
        return super()._handle_disconnect()


class Device:
    """One client, driven without threads; what happens to it is queued as (kind, value)."""

    def __init__(self, client_id, username="device", password="right", alpn="mqtt", headers=None, clean=True):
        options = {} if FIVE else {"clean_session": clean}
        # paho 2 wants to be told that the callbacks are those of paho 1.
        api = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
        self.client = Client(*api, client_id, protocol=TASK["version"], transport=TASK["transport"], **options)
        self.clean = clean
        self.happened = []
        self.is_open = False
        context = ssl.create_default_context(cafile=TASK["caFile"])
        if TASK["transport"] == "tcp" and alpn is not None:
            context.set_alpn_protocols([alpn])
        self.client.tls_set_context(context)
        if username is not None:
            self.client.username_pw_set(username, password)
        if TASK["transport"] == "websockets":
            self.client.ws_set_options(path="/mqtt", headers=headers or {})
        self.client.on_connect = self.on_connack
        self.client.on_disconnect = lambda *_: self.note("ended", self.client.disconnect_code or "closed")
        self.client.on_subscribe = lambda _c, _u, _id, granted, *_: self.note("suback", list(map(code, granted)))
        self.client.on_unsubscribe = lambda *_: self.note("unsuback", None)
        self.client.on_publish = lambda *_: self.note("puback", None)
        self.client.on_message = lambda _c, _u, message: self.note("message", message)
        DEVICES.append(self)

    def note(self, kind, value):
        self.happened.append((kind, value))

    def on_connack(self, _client, _userdata, flags, answer, properties=None):
        self.session_present = bool(flags["session present"])
        self.told = properties.json() if properties else {}
        self.note("connack", code(answer))

    def connect(self, expiry_seconds=0, keepalive=60):
        """The CONNACK's code; "closed" where the connection ends without one."""
        options = {}
        if FIVE:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = expiry_seconds
            options = {"clean_start": self.clean, "properties": properties}
        try:
            self.client.connect(TASK["host"], TASK["port"], keepalive, **options)
        except (OSError, mqtt.WebsocketConnectionError):
            return "closed"
        self.is_open = True
        return self.wait("connack", "ended")

    def wait(self, *kinds):
        """The value of the next thing of one of these kinds that happens to this device."""
        until = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < until:
            for index, (kind, _value) in enumerate(self.happened):
                if kind in kinds:
                    return self.happened.pop(index)[1]
            for device in DEVICES:
                device.turn()
        raise TimeoutError(f"none of {kinds} within {GIVE_UP_SECONDS} s, but {self.happened}")

    def turn(self):
        if not self.is_open:
            return
        try:
            self.is_open = self.client.loop(0.01) == mqtt.MQTT_ERR_SUCCESS
        except ssl.SSLError:  # TLS 1.3: a server's alert about the handshake may come after it
            self.is_open = False
            self.note("ended", "closed")

    def subscribe(self, *filters, qos=1):
        """The SUBACK's codes, or how the connection ended."""
        options = [SubscribeOptions(qos) if FIVE else qos] * len(filters)
        self.client.subscribe(list(zip(filters, options)))
        return self.wait("suback", "ended")

    def publish(self, topic, payload="hello", qos=1, **options):
        """Null where it is acknowledged, else how the connection ended."""
        self.client.publish(topic, payload, qos, **options)
        return self.wait("puback", "ended")

    def message(self):
        message = self.wait("message")
        return [message.topic, message.payload.decode(), message.qos, bool(message.retain)]

    def break_off(self):
        """Ends the connection as a lost network does: without a DISCONNECT."""
        self.client.socket().close()
        self.is_open = False

    def leave(self):
        self.client.disconnect()
        self.wait("ended")


def code(reason):
    return reason if isinstance(reason, int) else reason.value


def connected(client_id, **options):
    device = Device(client_id, **options)
    answer = device.connect()
    assert answer == 0, answer
    return device


def round_trip():
    device = connected("round-trip")
    granted = device.subscribe("round/+", "trip/#", qos=1)
    device.publish("round/a", qos=0)
    first = device.message()
    device.publish("trip/b/c")
    return {"granted": granted, "messages": [first, device.message()]}


def unsubscribed():
    device = connected("unsubscribed")
    device.subscribe("left", "kept")
    device.client.unsubscribe("left")
    device.wait("unsuback")
    device.publish("left")
    device.publish("kept")
    return device.message()


def credentials():
    cases = {
        "right": Device("c1"),
        "wrong password": Device("c2", password="wrong"),
        "no user name": Device("c3", username=None),
        "unknown authorizer": Device("c4", username=user("nobody")),
        "throwing authorizer": Device("c5", username="throws"),
        "policy for another client": Device("c6", username=user("elsewhere")),
        "client id of 129 bytes": Device("x" * 129),
        "client id that starts with $GEN/": Device("$GEN/1"),
    }
    return {name: device.connect() for name, device in cases.items()}


def alpn():
    return {str(name): Device("alpn", alpn=name).connect() for name in (None, "x-amzn-mqtt-ca", "http/1.1")}


def headers():
    def connack(password):
        return Device("by-header", username=None, headers={"x-password": password}).connect()

    return {"right": connack("right"), "wrong": connack("wrong")}


def takeover():
    first = connected("twin")
    connected("twin")
    return first.wait("ended")


def retained():
    device = connected("keeper")
    device.publish("kept/paho", "old", retain=True)
    device.publish("kept/paho", "new", retain=True)
    device.subscribe("kept/#")
    first = device.message()
    device.publish("kept/paho", "", retain=True)
    device.message()
    late = connected("late")
    late.subscribe("kept/#")
    late.publish("kept/live", "live")
    return {"first": first, "after an empty one": late.message()}


def will():
    watcher = connected("watcher")
    watcher.subscribe("wills/#")

    def mortal(client_id):
        device = Device(client_id)
        device.client.will_set("wills/" + client_id, "gone", 1)
        assert device.connect() == 0
        return device

    mortal("polite").leave()
    mortal("lost").break_off()
    return watcher.message()


def will_denied():
    def connack(topic):
        device = Device("testator", username=user("narrow"))
        device.client.will_set(topic, "gone")
        return device.connect()

    return {"own": connack("mine/will"), "other": connack("others/will")}


def persistent_session():
    def sleeper():
        return Device(f"sleeper-{TASK['version']}", clean=False)

    first = sleeper()
    first.connect(expiry_seconds=600)
    fresh = first.session_present
    first.subscribe("queue/#")
    first.leave()
    sender = connected("sender")
    sender.publish("queue/0", "lost", qos=0)
    sender.publish("queue/1", "kept", qos=1)
    second = sleeper()
    second.connect(expiry_seconds=600)
    return {"present": [fresh, second.session_present], "message": second.message()}


def denied_publish():
    device = connected("narrow-publisher", username=user("narrow"))
    device.subscribe("mine/#")
    ended = device.publish("others/a")
    if ended is not None:
        return {"ended": ended}
    device.publish("mine/a")
    return {"ended": None, "message": device.message()}


def denied_subscribe():
    device = connected("narrow-subscriber", username=user("narrow"))
    return device.subscribe("mine/#", "others/#")


def denied_receive():
    """Subscribe is granted, Receive is not: the message does not come, and nothing else happens."""
    reader = connected("deaf", username=user("deaf"))
    granted = reader.subscribe("all/#")
    writer = connected("writer")
    writer.publish("all/unheard")
    writer.publish("all/heard")
    return {"granted": granted, "message": reader.message()}


def qos_2():
    """How a publish with QoS 2 ends the connection; null where it has no answer and the next publish has one."""
    device = connected("exactly-once")
    device.client.publish("a/b", "hello", 2)
    return device.publish("a/c")


def limits():
    topics = ["a/b/c/d/e/f/g/h/i", "x" * 257]
    ends = {f"topic of {len(topic)}": connected("limit").publish(topic) for topic in topics}
    ends["payload of 128 KB and one byte"] = connected("limit").publish("a", "x" * (128 * 1024 + 1))
    ends["9 filters"] = connected("limit").subscribe(*[f"f/{index}" for index in range(9)])
    ends["8 filters"] = connected("limit").subscribe(*[f"f/{index}" for index in range(8)])
    ends["payload of 128 KB"] = connected("limit").publish("a", "x" * (128 * 1024))
    ends["topic with 7 slashes"] = connected("limit").publish("a/b/c/d/e/f/g/h")
    return ends


def connack_properties():
    device = Device("curious")
    device.connect(keepalive=10)
    return device.told


def refusal_reason():
    device = Device("refused", username=user("elsewhere"))
    device.connect()
    return device.told


def assigned_client_id():
    device = Device("")
    return {"code": device.connect(), "id": device.told["AssignedClientIdentifier"]}


def message_properties():
    device = connected("proper")
    device.subscribe("props/#")
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "props/answer"
    properties.CorrelationData = b"42"
    properties.PayloadFormatIndicator = 1
    properties.MessageExpiryInterval = 60
    properties.UserProperty = [("a", "1"), ("a", "2")]
    device.publish("props/a", properties=properties)
    return device.wait("message").properties.json()


def topic_alias():
    device = connected("alias")
    device.subscribe("aliased/#")

    def publish(topic, alias):
        properties = Properties(PacketTypes.PUBLISH)
        properties.TopicAlias = alias
        return device.publish(topic, properties=properties)

    publish("aliased/topic", 8)
    first = device.message()
    publish("", 8)
    second = device.message()
    return {"topics": [first[0], second[0]], "beyond 8": publish("aliased/other", 9)}


def shared_subscription():
    members = [connected("member-1"), connected("member-2")]
    for member in members:
        member.subscribe("$share/group/work/#")
    sender = connected("boss")
    for index in range(4):
        sender.publish("work/a", str(index))
    return sorted(member.message()[1] for member in members for _ in range(2))


def no_local():
    device = connected("loner")
    device.client.subscribe([("echo/#", SubscribeOptions(1, noLocal=True))])
    device.wait("suback")
    device.publish("echo/own")
    other = connected("other")
    other.publish("echo/other")
    return device.message()[0]


json.dump(globals()[TASK["scenario"]](), sys.stdout)
