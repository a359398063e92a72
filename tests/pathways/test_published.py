"""What goes out of the house: files that validate, open and are the same bytes; claims apart; the month before."""

import csv
import hashlib
import io
import json
import locale
import random
import shutil
import subprocess
import time
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from sqlalchemy import select

from pathways import daily
from pathways.disclosure.suppression import DisclosureRules, protect
from pathways.exports import actions, claim_lines, files, folder
from pathways.exports.cohort import Head, Tally
from pathways.exports.models import Export, ExportFile
from pathways.exports.months import Month
from pathways.exports.schemas import NewExport
from tests.pathways.test_claims import NONE, outcome  # noqa: F401 - a fixture
from tests.proofs.test_attacker import journey, known_in
from tests.work import TODAY
from tests.world import World

MONTH = Month(2026, 9)
SOFFICE = shutil.which("soffice")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder of some three hundred made-up people, as it is delivered."""
    content = contents()
    where = tmp_path_factory.mktemp("delivered")
    for name, body in content.items():
        (where / name).write_bytes(body)
    return where


def contents() -> dict[str, bytes]:
    rng = random.Random(11)
    people = known_in([journey(rng, n, Month(2026, 3), MONTH) for n in range(300)], MONTH)
    tally = Tally(MONTH).count(people)
    decision = protect(tally.figures(), DisclosureRules(5))
    rows = [(*Head(MONTH, MONTH.last_day, 1).cells, "2026-08", "cohort", "referral", "2026-03", "", "", "referred",
             "40", "", "45", "", "5", "late_evidence")]  # fmt: skip
    told = folder.FolderContents(
        "fund",
        "=Skills & Fund",
        Head(MONTH, date(2026, 10, 5), 1),
        tally,
        decision,
        rows,
        [{"ref": "P1"}],
        {"a": "b"},
        10,
    )
    return folder.files_of(told)


def test_the_data_package_is_valid(made: Path):
    from frictionless import Package

    report = Package(str(made / "datapackage.json")).validate()
    assert report.valid, report.flatten(["type", "message"])[:5]
    assert {resource.name for resource in Package(str(made / "datapackage.json")).resources} == {
        *("adjustments", "breakdowns", "cohort", "medians", "progression", "stages")
    }


def test_a_wrong_cell_is_found_by_the_data_package(made: Path, tmp_path):
    from frictionless import Package

    shutil.copytree(made, tmp_path / "wrong")
    path = tmp_path / "wrong" / "stages.csv"
    path.write_bytes(path.read_bytes().replace(b",in_work,", b",at_sea,", 1))
    assert not Package(str(tmp_path / "wrong" / "datapackage.json")).validate().valid


def test_the_csv_on_the_web_metadata_is_valid(made: Path):
    from csvw import CSVW

    told = CSVW(str(made / "csv-metadata.json"), validate=True)
    assert told.is_valid, told.warnings
    assert len(told.tables) == 6


def test_every_file_is_in_the_manifest_and_proved(made: Path):
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["publishable"] is True
    assert actions.verify_folder(made) == []
    assert set(manifest["files"]) | {"manifest.json"} == {path.name for path in made.iterdir()}
    assert manifest["disclosure"]["smallest_shown"] == 5
    assert sum(manifest["disclosure"]["hidden"].values()) > 50


def test_the_workbook_is_laid_out_for_everybody(made: Path):
    book = openpyxl.load_workbook(made / "tables.xlsx")
    assert book.sheetnames[:3] == ["Cover", "Contents", "Notes"]
    for name in book.sheetnames[3:]:
        sheet = book[name]
        assert not sheet.merged_cells.ranges
        assert len(sheet.tables) == 1
        (where,) = [table.ref for table in sheet.tables.values()]
        cells = [[cell.value for cell in row] for row in sheet[where]]
        assert all(cells[0])  # each column has a name
        assert all(any(value not in {None, ""} for value in row) for row in cells)
    assert book["Cover"]["A1"].value == "=Skills & Fund: first steps into work, September 2026"
    assert book["Cover"]["A1"].data_type == "s"  # text, not a formula
    with zipfile.ZipFile(made / "tables.xlsx") as parts:
        drawings = [
            parts.read(name).decode() for name in parts.namelist() if "drawings/drawing" in name and "rels" not in name
        ]
        assert len(drawings) == 2
        assert all('descr="One line for each' in drawing for drawing in drawings)
        assert not [name for name in parts.namelist() if b"<f>" in parts.read(name) and "worksheets" in name]


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed here; .ci/run installs it")
def test_the_workbook_opens_in_libreoffice_and_nothing_is_lost(made: Path, tmp_path):
    filter_ = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = [SOFFICE, "--headless", f"-env:UserInstallation=file://{tmp_path}/office", "--convert-to", filter_]
    done = subprocess.run(
        [*command, "--outdir", str(tmp_path), str(made / "tables.xlsx")], capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    book = openpyxl.load_workbook(made / "tables.xlsx", read_only=True)
    for name in book.sheetnames:
        with (tmp_path / f"tables-{name}.csv").open(encoding="utf-8", newline="") as file:
            opened = list(csv.reader(file))
        written = [
            ["" if cell is None else as_text(cell) for cell in row] for row in book[name].iter_rows(values_only=True)
        ]
        assert trimmed(opened) == trimmed(written), name


def as_text(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def trimmed(rows: list[list[str]]) -> list[list[str]]:
    found = []
    for row in rows:
        while row and row[-1] == "":
            row.pop()
        found.append([f"{float(cell):.10g}" if cell.replace(".", "", 1).isdecimal() else cell for cell in row])
    while found and not found[-1]:
        found.pop()
    return found


def test_charts_have_words_and_no_script(made: Path):
    for name in ("chart-conversion.svg", "chart-progression.svg"):
        text = (made / name).read_text()
        assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert '<title id="title">' in text
        assert '<desc id="about">One line for each' in text
        assert "script" not in text
    page = (made / "summary.html").read_text()
    assert "<script" not in page
    assert page.count("<img") == page.count('alt="One line for each')
    assert "=Skills &amp; Fund" in page


def test_a_cell_that_a_spreadsheet_would_run_is_led_by_an_apostrophe():
    body = files.csv_bytes(("a",), [("=1+1",), ("+44",), ("@x",), ("\tx",), ("-5",), ("-2.5",), ("-x",)])
    assert [row[0] for row in csv.reader(io.StringIO(body.decode()))][1:] == [
        "'=1+1",
        "'+44",
        "'@x",
        "'\tx",
        "-5",
        "-2.5",
        "'-x",
    ]


def test_the_same_figures_are_the_same_bytes_wherever_and_whenever(made: Path, monkeypatch):
    spoken = locale.setlocale(locale.LC_ALL)
    try:
        for zone, language in (("Pacific/Auckland", "de_DE.UTF-8"), ("America/Los_Angeles", "C")):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            try:
                locale.setlocale(locale.LC_ALL, language)
            except locale.Error:
                locale.setlocale(locale.LC_ALL, "C.UTF-8")
            assert {name: hashlib.sha256(body).hexdigest() for name, body in contents().items()} == {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.iterdir()
            }
    finally:
        locale.setlocale(locale.LC_ALL, spoken)
        monkeypatch.undo()
        time.tzset()


# Claims.


def claims_file(client, world: World, by: str = "commissioner", expect: int = 201, month: date = TODAY):
    body = {"month": f"{month:%Y-%m}"}
    answer = client.post("/api/v1/exports/claims", headers=world.key(by), json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_claims_are_a_file_apart_for_whoever_pays(client, world: World, call, outcome):  # noqa: F811
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    empty = claims_file(client, world)
    rows = rows_of(client, world, empty["id"])
    assert rows == []  # a draft is the partner's own
    call("caseworker", f"/claims/{claim['id']}/submit", **NONE)
    call("commissioner", f"/claims/{claim['id']}/accept")
    call("commissioner", f"/claims/{claim['id']}/pay")
    call("commissioner", f"/claims/{claim['id']}/reverse", reason="The payslips were another person's.")
    made = claims_file(client, world)
    assert made["folder"] == f"claims_skills-fund_{TODAY:%Y-%m}_v2"
    assert (made["kind"], made["files"]) == ("claims", ["claims.csv", "datapackage.json", "manifest.json"])
    first, second = rows_of(client, world, made["id"])
    assert (first["line_type"], first["status"], first["pounds"], first["paid_pounds"]) == (
        "OUTCOME",
        "reversed",
        "1200.00",
        "0.00",
    )
    assert (second["line_type"], second["pounds"]) == ("REVERSAL", "-1200.00")
    assert (first["rule"], first["days"], first["weeks_counted"], first["evidence_tier"]) == (
        "LOCAL_13_IN_16",
        "91",
        "13",
        "B",
    )
    assert first["participant_ref"].startswith("C-")
    whole = json.dumps([first, second])
    assert not [word for word in ("Amina", "Bhriain", "QQ224466C", "payslips", "Cafe") if word in whole]
    # Apart from everything that is published, and from everybody else.
    shown = client.get(f"/api/v1/exports/{made['id']}/files/manifest.json", headers=world.key("commissioner")).json()
    assert shown["publishable"] is False
    for stranger in ("other_commissioner", "operator", "manager"):
        path = f"/api/v1/exports/{made['id']}/files/claims.csv"
        assert client.get(path, headers=world.key(stranger)).status_code in {403, 404}
    claims_file(client, world, by="operator", expect=403)
    with world.database.reading() as session:  # sealed where it is kept
        kept = session.scalars(select(ExportFile).where(ExportFile.name == "claims.csv")).all()
        assert all(first["participant_ref"].encode() not in one.content for one in kept)


def rows_of(client, world: World, export: str) -> list[dict[str, str]]:
    path = f"/api/v1/exports/{export}/files/claims.csv"
    text = client.get(path, headers=world.key("commissioner")).text
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_file_of_claims_is_kept_for_some_days_only(client, world: World):
    made = claims_file(client, world)
    assert made["expires_on"] == (TODAY + timedelta(days=30)).isoformat()
    path = f"/api/v1/exports/{made['id']}/files/claims.csv"
    assert client.get(path, headers=world.key("commissioner")).status_code == 200
    with world.database.writing(None) as session:
        session.get_one(Export, UUID(made["id"])).expires_on = TODAY - timedelta(days=1)
    answer = client.get(path, headers=world.key("commissioner"))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/file-expired")
    daily.run(world.database, world.operator, datetime.now(UTC))
    with world.database.reading() as session:
        assert session.scalars(select(ExportFile).where(ExportFile.export_id == UUID(made["id"]))).all() == []


def test_a_commissioner_with_a_certificate_gets_what_only_they_can_open():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fund")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    content = claim_lines.files_of("claims_fund_2026-09_v1", "Claims", [], pem)
    assert "claims.csv" not in content
    opened = pkcs7.pkcs7_decrypt_der(content["claims.csv.p7m"], certificate, key, [])
    assert opened == files.csv_bytes(claim_lines.LINES.header, [])


# The month before, and figures over the API.


def test_the_month_before_is_made_by_itself_once_the_working_day_has_come(world: World, client):
    for number in range(7):
        world.refer(day=date(2026, 9, 2), referred_on=date(2026, 9, 1), ref=f"R{number}", nino=None, nhs_number=None)

    def exports() -> list[tuple[str, date, str]]:
        with world.database.reading() as session:
            rows = session.scalars(select(Export).where(Export.commissioner_id == world.organisations["fund"]))
            return [(one.month, one.as_of, one.state.value) for one in rows]

    for day in (date(2026, 10, 6), date(2026, 10, 7), date(2026, 10, 7), date(2026, 10, 8)):
        daily.run(world.database, world.operator, datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
        # The 7th is the fifth working day of October 2026: before it nothing is made, after it nothing again.
        assert exports() == ([("2026-09", date(2026, 10, 7), "provisional")] if day.day >= 7 else [])
    headers = world.key("commissioner")
    told = client.get("/api/v1/figures?month=2026-09&table=cohort", headers=headers).json()
    assert (told["version"], told["state"], told["as_of"]) == (1, "provisional", "2026-10-07")
    sizes = [row for row in told["items"] if row["measure"] == "referred" and row["elapsed_months"] == 0]
    assert [(row["cohort_month"], row["value"], row["value_status"]) for row in sizes] == [
        ("2026-09", 5.0, None)
    ]  # seven
    assert client.get("/api/v1/figures?month=2026-08&table=cohort", headers=headers).status_code == 404
    assert client.get("/api/v1/figures?month=2026-09&table=people", headers=headers).status_code == 422
    assert client.get("/api/v1/figures?month=2026-09&table=cohort", headers=world.key("manager")).status_code == 403


@pytest.mark.parametrize(("why", "expect"), [("too early", 409), ("machine", 403), ("later version", 409)])
def test_a_month_is_closed_by_a_person_once_it_is_over(world: World, client, why: str, expect: int):
    actor = world.on(
        "commissioner", date(2026, 9, 20 if why == "too early" else 29) + timedelta(days=10 * (why != "too early"))
    )
    made = actions.make(world.database, actor, NewExport(month="2026-09"))
    if why == "later version":
        world.refer(day=date(2026, 9, 2), referred_on=date(2026, 9, 1))
        actions.make(world.database, actor.then(at=actor.at + timedelta(days=1)), NewExport(month="2026-09"))
    if why == "machine":
        from pathways.access.models import User

        with world.database.writing(None) as session:
            session.get_one(User, actor.user_id).is_machine = True
    answer = client.post(f"/api/v1/exports/{made.id}/freeze", headers=world.key("commissioner"))
    assert answer.status_code == expect, answer.text
