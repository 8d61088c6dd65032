"""Events to an MQTT broker: what a home, a lamp or a dashboard follows. See docs/mqtt.md for the topics.

    from hocket.streaming import MqttSink

    sink = MqttSink("mqtt://broker.local/hocket")

Only `connection` knows the MQTT library.
"""
