"""What several files of this room need: an S3 server on loopback; charts are not drawn."""

import pytest

from tests.undrawn import undrawn

__all__ = ["s3", "undrawn"]


@pytest.fixture(scope="module")
def s3():
    """A moto server on loopback with the buckets ``lake`` and ``logs``; its storage options."""
    boto3 = pytest.importorskip("boto3")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_endpoint_url": f"http://{host}:{port}",
        "aws_allow_http": "true",
    }
    client = boto3.client(
        "s3",
        endpoint_url=options["aws_endpoint_url"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    for bucket in ("lake", "logs"):
        client.create_bucket(Bucket=bucket)
    yield options
    server.stop()
