"""A day of trade support in a real browser: signing in, finding a trade, deciding it, exporting what was done."""

import csv
import io
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts import totp
from accounts.models import SecondFactor, User
from accounts.tests.factories import PASSWORD, UserFactory
from chat.actions import trades
from chat.enums import TradeStatus
from chat.models import AuditEntry, Trade
from chat.tests.factories import open_trade

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def proven(trade: Trade) -> None:
    trades.make_move(actor=trade.customer, trade_id=trade.pk, move=trades.PROOF)


def test_a_trade_admin_finds_a_trade_is_refused_and_decides_it(open_desk, alice, tom):
    trade = open_trade(alice, reference="BP-77001")
    open_trade(alice, reference="BP-77002")
    desk = open_desk()
    page = desk.page
    desk.open("")
    expect(page).to_have_url(re.compile(r"/admin/login/\?next=/admin/$"))

    desk.sign_in(tom, "wrong password")
    expect(page.get_by_role("alert")).to_be_visible()
    desk.sign_in(tom)
    expect(page.get_by_role("heading", level=1)).to_have_text("Trade support")
    expect(page.locator(".tile", has_text="Waiting now")).to_contain_text("2")
    desk.click("link", "Trades")
    page.locator("#searchbar").fill("77001")
    desk.click("button", "Search")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    desk.click("link", "BP-77001")
    expect(page.get_by_text("Take the trade to read its chat.")).to_be_visible()
    desk.click("button", "Take")
    desk.says("The trade is yours.")
    proven(trade)
    page.reload()

    page.locator("summary", has_text="Reject").click()
    desk.click("button", "Reject")
    desk.says("Nothing was changed. Say why.")
    assert Trade.objects.get(pk=trade.pk).status == TradeStatus.VERIFYING
    page.locator("summary", has_text="Reject").click()
    page.locator("#reject-reason").fill("Another name on the account.")
    desk.click("button", "Reject")
    desk.says("The payment is rejected.")

    trade.refresh_from_db()
    assert (trade.status, trade.decision_reason) == (TradeStatus.REJECTED, "Another name on the account.")
    expect(page.locator(".timeline").first).to_contain_text("The payment was rejected.")
    moment = page.locator(".timeline time").first  # in Berlin's time, as this browser is there
    assert "UTC" not in moment.inner_text()


def test_a_super_admin_steps_in_decides_and_takes_the_audit_log_away(open_desk, tina, sara):
    mallory = UserFactory(display_name="<img src=x onerror=alert(1)>", email="mallory@example.com", password=None)
    trade = open_trade(mallory, reference='=1+1,"<script>alert(2)</script>"')
    proven(trade)
    trades.make_move(actor=mallory, trade_id=trade.pk, move=trades.DISPUTE, reason="\u202e{{7*7}} not paid")
    desk = open_desk()
    page = desk.page

    desk.sign_in(sara)
    expect(page.get_by_role("heading", name="The team")).to_be_visible()
    desk.click("link", "Escalations")
    page.locator("#result_list tbody th a").click()
    desk.click("button", "Take this escalation")
    desk.says("You have taken the escalation.")
    expect(page.locator(".timeline").first).to_contain_text("has stepped in to decide")
    page.get_by_label("Decision, which is final").select_option("completed")
    page.get_by_label("Reason, for the customer too").fill("The money is there.")
    desk.click("button", "Decide")
    desk.says("Decided. The customer has been told.")
    desk.click("link", "Audit log")
    page.locator("#changelist-filter").get_by_text("trade.opened", exact=True).click()
    with page.expect_download() as download:
        desk.click("link", "Export these as CSV")

    trade.refresh_from_db()
    assert (trade.status, trade.decision_reason) == (TradeStatus.COMPLETED, "The money is there.")
    header, row = csv.reader(io.StringIO(download.value.path().read_text()))
    assert download.value.suggested_filename.startswith("audit-")
    assert (row[header.index("action")], row[header.index("trade")]) == ("trade.opened", f"'{trade.reference}")
    assert AuditEntry.objects.filter(action="report.exported", actor=sara).count() == 1


def test_a_trade_admin_approves_and_a_super_admin_reads_only_with_a_reason(open_desk, alice, tina, sara):
    trade = open_trade(alice)
    proven(trade)
    admin, judge = open_desk(), open_desk()

    judge.sign_in(sara)
    judge.open(f"chat/conversation/{trade.conversation_id}/change/")
    expect(judge.page.locator(".timeline")).to_have_count(0)
    judge.page.get_by_label("Reason").fill("A complaint by mail.")
    judge.click("button", "Open the chat")
    expect(judge.page.get_by_text("You are reading along.")).to_be_visible()
    admin.sign_in(tina)
    admin.page.locator("tbody").get_by_role("link", name=trade.reference).click()
    admin.click("button", "Approve")
    admin.says("The payment is approved and the trade completed.")

    trade.refresh_from_db()
    assert trade.status == TradeStatus.COMPLETED
    assert AuditEntry.objects.get(action="trade.read").detail["reason"] == "A complaint by mail."
    expect(admin.page.locator(".history")).to_contain_text("trade.read")


def code(user: User, *, steps: int = 0) -> str:
    return totp.code_at(SecondFactor.objects.get(user=user).secret, int(timezone.now().timestamp() // 30) + steps)


def test_an_authenticator_is_set_up_and_asked_for_at_the_next_sign_in(open_desk, tina):
    desk = open_desk()
    page = desk.page
    desk.sign_in(tina)
    page.locator("#user-tools summary").click()
    desk.click("link", "Authenticator")
    desk.click("button", "Set up an authenticator")
    expect(page.get_by_role("img", name="QR code of the secret below")).to_be_visible()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    assert secret == SecondFactor.objects.get(user=tina).secret
    page.get_by_role("textbox", name="Code").fill(code(tina, steps=-1))
    desk.click("button", "Confirm")
    expect(page.locator("ul.codes li")).to_have_count(10)
    recovery = page.locator("ul.codes li").first.inner_text()
    page.locator("#user-tools summary").click()
    desk.click("button", "Log out")

    desk.sign_in(tina, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your code")
    page.get_by_label("Code").fill("000 00")
    desk.click("button", "Sign in")
    expect(page.get_by_text("This code is wrong or was used before.")).to_be_visible()
    page.get_by_label("Code").fill(recovery)
    desk.click("button", "Sign in")

    expect(page.get_by_role("heading", level=1)).to_have_text("Trade support")
