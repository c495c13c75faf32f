"""Files, the open data of beta.gouv.fr, the Date header, and the control over HTTP."""

from __future__ import annotations

import base64
import hashlib
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

FILES = (
    "query files{demarche(number:86321){dossiers{nodes{champs(id:"
    '"Q2hhbXAtNDYwNQ=="){... on PieceJustificativeChamp{files{url checksum byteSizeBigInt}}}}}}}'
)


def _file(client: Any) -> dict[str, Any]:
    nodes = client.data(FILES)["demarche"]["dossiers"]["nodes"]
    return next(file for node in nodes for champ in node["champs"] for file in champ["files"])


def test_a_file_is_served_at_its_signed_address(client: Any) -> None:
    """Size and checksum are those of the content."""
    file = _file(client)
    content = client.session.get(file["url"], timeout=5).content
    digest = hashlib.md5(content).digest()
    assert file["checksum"] == base64.b64encode(digest).decode()
    assert file["byteSizeBigInt"] == str(len(content))


def test_an_address_expires_within_the_hour_and_cannot_be_changed(
    sandbox: Any, client: Any
) -> None:
    """Each answer has an address that is valid at that moment."""
    url = _file(client)["url"]
    head, _, name = url.rpartition("/")
    tampered = f"{head[:-3]}abc/{name}"
    assert client.session.get(tampered, timeout=5).status_code == 401
    sandbox.control.clock.advance(3601)
    assert client.session.get(url, timeout=5).status_code == 404
    assert client.session.get(_file(client)["url"], timeout=5).status_code == 200


@pytest.mark.parametrize("path", ["/api/v2.6/startups.json", "/api/v2.7/startups.json"])
def test_the_catalogue_is_served(sandbox: Any, client: Any, path: str) -> None:
    """In the versions that beta.gouv.fr has."""
    answer = client.session.get(sandbox.betagouv_url + path, timeout=5)
    assert set(answer.json()) == {"links", "data", "included"}


def test_answers_have_the_sandboxs_time(sandbox: Any, client: Any) -> None:
    """The Date header follows the clock that tests move."""
    sandbox.control.clock.advance(86400)
    date = parsedate_to_datetime(client.post("{__typename}").headers["Date"])
    assert date == sandbox.control.clock.now()


def test_the_control_works_over_http(sandbox: Any, client: Any) -> None:
    """Tests in another process can call its methods and read the log and the truth."""

    def post(name: str, **given: Any) -> Any:
        url = f"{sandbox.control_url}/{name}"
        answer = client.session.post(url, timeout=5, **given)
        assert answer.status_code == 200
        return answer.json()["result"]

    number = sandbox.control.truth()[0].number
    post("edit_annotation", json=[number, 5103, "x"])
    post("fail", json={"kind": "bad_gateway"})
    post("set_clock", json={"to": {"datetime": "2027-01-01T00:00:00Z"}})
    moment = {"datetime": "2026-12-01T10:00:00Z"}
    post("edit_annotation", json=[number, 5104, moment])
    client.post("query seen{__typename}")
    annotations = post("truth_of", json=[number])["annotations"]
    assert (annotations["5103"], annotations["5104"]) == ("x", "01 décembre 2026 11:00")
    logged = post("requests")
    assert [(e["operation"], e["status"], e["fault"]) for e in logged] == [
        ("seen", 502, "bad_gateway")
    ]
    assert post("now").startswith("2027-01-01")


@pytest.mark.parametrize(("path", "status"), [("nothing", 404), ("hide", 400)])
def test_an_invalid_control_is_refused(sandbox: Any, client: Any, path: str, status: int) -> None:
    """An unknown method, or arguments that it refuses."""
    url = f"{sandbox.control_url}/{path}"
    assert client.session.post(url, json={"a": 1}, timeout=5).status_code == status
