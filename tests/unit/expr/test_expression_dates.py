"""Dates: named formats, Java patterns, reading, adding, zones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr

PARIS = ZoneInfo("Europe/Paris")
CONTEXT = {
    "z": datetime(2024, 3, 5, 7, 8, 9, 123456, tzinfo=PARIS),
    "i": datetime(2024, 3, 5, 6, 8, 9, tzinfo=UTC),
    "local": datetime(2024, 3, 5, 7, 8, 9),  # noqa: DTZ001
    "day": date(2024, 3, 5),
    "before": datetime(2024, 3, 30, 12, tzinfo=PARIS),
}
pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("iso", "2024-03-05T07:08:09.123456+01:00"), ("iso_sec", "2024-03-05T07:08:09+01:00"), ("sql", "2024-03-05 07:08:09.123456"), ("sql_seq", "2024-03-05 07:08:09"),
        ("iso_date_time", "2024-03-05T07:08:09.123456+01:00[Europe/Paris]"), ("iso_date", "2024-03-05+01:00"), ("iso_time", "07:08:09.123456+01:00"),
        ("iso_local_date", "2024-03-05"), ("iso_instant", "2024-03-05T06:08:09.123456Z"), ("iso_local_date_time", "2024-03-05T07:08:09.123456"),
        ("iso_local_time", "07:08:09.123456"), ("iso_offset_time", "07:08:09.123456+01:00"), ("iso_ordinal_date", "2024-065+01:00"), ("iso_week_date", "2024-W10-2+01:00"),
        ("iso_zoned_date_time", "2024-03-05T07:08:09.123456+01:00[Europe/Paris]"), ("rfc_1123_date_time", "Tue, 5 Mar 2024 07:08:09 +0100"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-03-05T07:08:09.123+01:00"), ("yy/M/d H:m:s", "24/3/5 7:8:9"), ("EEE EEEE MMM MMMM", "Tue Tuesday Mar March"),
        ("hh:mm a", "07:08 AM"), ("K k", "7 7"), ("D DDD", "65 065"), ("Q QQQ", "1 Q1"), ("uuuu yyyyy", "2024 02024"), ("G", "AD"), ("S SSSSSS SSSSSSSSS", "1 123456 123456000"),
        ("n N A", "123456000 25689123456000 25689123"), ("VV", "Europe/Paris"), ("z", "CET"), ("zzzz", "Central European Standard Time"), ("O OOOO", "GMT+1 GMT+01:00"),
        ("X XX XXX x xx xxx", "+01 +0100 +01:00 +01 +0100 +01:00"), ("Z ZZZZ ZZZZZ", "+0100 GMT+01:00 +01:00"), ("''yyyy'' 'o''clock'", "'2024' o'clock"),
        ("yyyy[-MM]", "2024-03"), ("e", "3"), ("w", "10"), ("'yyyy'", "yyyy"), ("", ""),
    ],
)  # fmt: skip
def test_format(pattern: str, text: str) -> None:
    assert expr.render("{{ z | date(p, timeZone='Europe/Paris') }}", {**CONTEXT, "p": pattern}) == text


@pytest.mark.parametrize(
    "pattern",
    [
        "bad{",
        "T",
        "yyyy-MM-ddThh",
        "ddd",
        "V",
        "VVV",
        "aa",
        "X" * 6,
        "'open",
        "p",
        "b",
        "j",
        "l",
        "R",
        "r",
        "C",
        "U",
        "#",
        "P",
        "f",
        "I",
    ],
)
def test_letters_that_java_does_not_know_are_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ z | date(p) }}", {**CONTEXT, "p": pattern})
    assert raised.value.code == "GOV154"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("z | date", "2024-03-05T06:08:09.123456Z"), ("i | date(timeZone='Asia/Tokyo')", "2024-03-05T15:08:09.000000+09:00"), ("local | date", "2024-03-05T07:08:09.000000Z"),
        ("local | date(timeZone='Europe/Paris')", "2024-03-05T07:08:09.000000+01:00"), ("day | date", "2024-03-05T12:00:00.000000Z"),
        ("1709618889 | date('iso_sec')", "2024-03-05T06:08:09Z"), ("'2024-03-05' | date", "2024-03-05T00:00:00.000000Z"), ("'2024-03-05T07:08' | date('HH:mm')", "07:08"),
        ("'2024-03-05T07:08:09.123Z' | date('SSS')", "123"), ("'2024-03-05T07:08:09+02:00' | date('iso_sec')", "2024-03-05T05:08:09Z"),
        ("'2024-03-05T07:08:09+01:00[Europe/Paris]' | date('iso_sec')", "2024-03-05T06:08:09Z"), ("z | date('EEEE', locale='fr')", "mardi"), ("z | date('MMMM', locale='de_DE')", "März"),
        ("z | date('full', locale='en')", "Tuesday, March 5, 2024, 6:08:09 AM Coordinated Universal Time"), ("z | date('short')", "3/5/24, 6:08 AM"),
        ("z | date('medium', timeZone='UTC')", "Mar 5, 2024, 6:08:09 AM"), ("z | date('XXX', timeZone='UTC')", "Z"), ("z | date('xxx', timeZone='UTC')", "+00:00"),
        ("z | date('O', timeZone='+05:30')", "GMT+5:30"), ("z | date('VV', timeZone='GMT+2')", "+02:00"), ("z | date('XXX', timeZone='UTC-03:30')", "-03:30"),
        # reading
        ("'05/03/2024 10:20' | date(existingFormat='dd/MM/yyyy HH:mm')", "2024-03-05T10:20:00.000000Z"), ("'July 24, 2001' | date('iso_local_date', existingFormat='MMMM dd, yyyy')", "2001-07-24"),
        ("'24 juil. 2001' | date('iso_local_date', existingFormat='dd MMM yyyy', locale='fr')", "2001-07-24"), ("'3:05 PM 1/2/24' | date('sql_seq', existingFormat='h:mm a d/M/yy')", "2024-02-01 15:05:00"),
        ("'12:05 am 1/2/24' | date('sql_seq', existingFormat='h:mm a d/M/yy')", "2024-02-01 00:05:00"), ("'20240305102030' | date('sql_seq', existingFormat='yyyyMMddHHmmss')", "2024-03-05 10:20:30"),
        ("'Tue, 5 Mar 2024 07:08:09 +0100' | date('iso_sec', existingFormat='rfc_1123_date_time')", "2024-03-05T06:08:09Z"), ("'2024-065' | date('iso_local_date', existingFormat='iso_ordinal_date')", "2024-03-05"),
        ("'2024-03-05 07:08:09.123456' | date('sql', existingFormat='sql')", "2024-03-05 07:08:09.123456"), ("'2024-03-05T07:08:09Z' | date('iso_sec', existingFormat='iso_instant')", "2024-03-05T07:08:09Z"),
        ("'2024-03-05 07:08 Europe/Paris' | date('iso_sec', existingFormat='yyyy-MM-dd HH:mm VV')", "2024-03-05T06:08:00Z"), ("'5.3.24' | date('iso_local_date', existingFormat='d.M.yy')", "2024-03-05"),
        # adding
        ("z | dateAdd(1, 'DAYS')", "2024-03-06T06:08:09.123456Z"), ("'2024-01-31' | dateAdd(1, 'MONTHS', 'iso_local_date')", "2024-02-29"), ("'2024-02-29' | dateAdd(1, 'YEARS', 'iso_local_date')", "2025-02-28"),
        ("'2024-03-05' | dateAdd(-2, 'WEEKS', format='iso_local_date')", "2024-02-20"), ("i | dateAdd(1500, 'MILLIS', 'iso')", "2024-03-05T06:08:10.500000Z"), ("i | dateAdd(2000, 'NANOS', 'iso')", "2024-03-05T06:08:09.000002Z"),
        ("i | dateAdd(1, 'HALF_DAYS', 'HH')", "18"), ("'2024-03-05' | dateAdd(1, 'DECADES', 'yyyy')", "2034"), ("'2024-03-05' | dateAdd(-1, 'CENTURIES', 'yyyy')", "1924"),
        # over the change of the clocks a day keeps the time of day, and 24 hours do not
        ("before | dateAdd(1, 'DAYS', 'HH:mm', timeZone='Europe/Paris')", "12:00"), ("before | dateAdd(24, 'HOURS', 'HH:mm', timeZone='Europe/Paris')", "13:00"),
        # timestamps
        ("z | timestamp", "1709618889"), ("z | timestampMilli", "1709618889123"), ("z | timestampMicro", "1709618889000123456"), ("z | timestampNano", "1709618889123456000"),
        ("'2024-03-05' | timestamp('Europe/Paris')", "1709593200"), ("'05.03.2024' | timestamp(existingFormat='dd.MM.yyyy')", "1709596800"), ("'1969-12-31T23:59:59.5Z' | timestamp", "-1"),
    ],
)  # fmt: skip
def test_dates(expression: str, text: str) -> None:
    assert expr.render("{{ " + expression + " }}", CONTEXT) == text


@pytest.mark.parametrize(
    "expression",
    [
        "'soon' | date", "'2024-02-30' | date", "'2024-13-01' | date", "'24:00' | date", "'2024-03-05T25:00' | date", "true | date", "1.5 | date", "[] | date", "9999999999999 | date",
        "z | date(1)", "z | date(timeZone='Mars/Base')", "z | date(timeZone='+25:00')", "z | date(timeZone='../etc/passwd')", "z | date(timeZone=1)", "z | date('yyyy', locale='xx')", "z | date('yyyy', locale=1)",
        "'05/03' | date(existingFormat='dd/MM')", "'2024' | date(existingFormat='yyyy-MM')", "'2024-02-30' | date(existingFormat='yyyy-MM-dd')", "'x' | date(existingFormat='[yyyy')", "'10' | date(existingFormat='ww')",
        "z | dateAdd(1, 'days')", "z | dateAdd(1, 'FORTNIGHT')", "z | dateAdd('1', 'DAYS')", "z | dateAdd(1.5, 'DAYS')", "z | dateAdd(1, 2)", "z | dateAdd(99999999, 'YEARS')", "z | dateAdd(9223372036854775807, 'SECONDS')",
        "z | dateAdd(1)", "z | dateAdd",
    ],
)  # fmt: skip
def test_dates_refuse(expression: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ " + expression + " }}", CONTEXT)
    assert raised.value.code == "GOV154"
