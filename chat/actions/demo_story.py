"""What happened on the demo's day: who there is, which trades there were, and what was said. Only words and numbers."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import Role
from chat.actions.trades import TradeDetails
from chat.enums import TradeSide

SEED = 1001  # of the seconds between the lines
CUSTOMER, SUPPORT, COLLEAGUE = "customer", "support", "colleague"  # of the trade as it is at that moment

NEWCOMERS = (
    ("tara@example.com", "Tara", Role.TRADE_ADMIN),
    ("grace@example.com", "Grace", Role.CUSTOMER),
    ("henry@example.com", "Henry", Role.CUSTOMER),
    ("ines@example.com", "Inês", Role.CUSTOMER),
    ("jonas@example.com", "Jonas", Role.CUSTOMER),
    ("karla@example.com", "Karla", Role.CUSTOMER),
    ("liam@example.com", "Liam", Role.CUSTOMER),
    ("mira@example.com", "Mira", Role.CUSTOMER),
    ("noah@example.com", "Noah", Role.CUSTOMER),
)


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody says or does something, so many minutes after the line before."""

    after: float
    who: str
    does: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A trade, opened so many hours ago. `is_queued`: when it was opened nobody was free."""

    hours_ago: float
    customer: str
    details: TradeDetails
    lines: tuple[Line, ...]
    is_queued: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """What people said outside of trades; with a title it is a group of the first one's."""

    hours_ago: float
    people: tuple[str, ...]
    lines: tuple[Line, ...]
    title: str = ""


def _c(after: float, text: str) -> Line:
    return Line(after, CUSTOMER, "says", text)


def _s(after: float, text: str) -> Line:
    return Line(after, SUPPORT, "says", text)


def _trade(number: int, what: str) -> TradeDetails:
    """For example `buy 0.0150 BTC for 900.00 EUR by SEPA`."""
    side, amount, asset, _, fiat, currency, _, method = what.split(" ", 7)
    return TradeDetails(
        reference=f"BP-{number:04}",
        side=TradeSide(side),
        asset=asset,
        asset_amount=Decimal(amount),
        fiat_currency=currency,
        fiat_amount=Decimal(fiat),
        payment_method=method,
    )


PAID = Line(1, CUSTOMER, "submits proof")

STORIES = (
    # -- The days before -----------------------------------------------------------------------------------------------
    Story(
        *(146, "grace", _trade(982, "buy 0.0150 BTC for 900.00 EUR by SEPA")),
        (
            _s(2, "Hi Grace, I am looking after your trade. Please use BP-0982 as the reference of the transfer."),
            _c(5, "Done, it is an instant transfer."),
            PAID,
            _s(4, "It has arrived, thank you. I am releasing the coins now."),
            Line(1, SUPPORT, "approves"),
            Line(6, CUSTOMER, "rates", "5 Quick and kind."),
        ),
    ),
    Story(
        *(104, "henry", _trade(983, "buy 400 USDT for 372.00 EUR by Revolut")),
        (
            _c(1, "Hello? I have paid already, who checks that?"),
            _c(6, "Is anybody there?"),
            _s(4, "Good morning Henry, sorry for the wait. We had a busy hour. I am checking your payment now."),
            PAID,
            _s(9, "372.00 EUR from your account, all correct."),
            Line(1, SUPPORT, "approves"),
            Line(30, CUSTOMER, "rates", "4 Friendly once somebody was there."),
        ),
    ),
    Story(
        *(73, "jonas", _trade(984, "sell 0.0400 BTC for 2390.00 EUR by SEPA")),
        (
            _s(3, "Hi Jonas. Has the buyer's payment reached your account?"),
            _c(12, "The buyer says he has paid. Here is what he sent me."),
            PAID,
            _s(6, "This picture shows another IBAN than yours, and the amount is 239.00. Did anything arrive at all?"),
            _c(15, "No, nothing. I thought it was only slow."),
            _s(2, "Then I cannot accept it. Please never release coins for a picture; wait for the money."),
            Line(2, SUPPORT, "rejects", "The proof shows another account and amount; nothing has arrived."),
            Line(20, CUSTOMER, "rates", "3 A pity, but thank you for being careful."),
        ),
    ),
    Story(
        *(51, "karla", _trade(985, "buy 1.2000 ETH for 3480.00 EUR by SEPA")),
        (
            _s(3, "Hi Karla, I am here if you have questions. The trade is open for 24 hours."),
            _c(14, "Thanks. My bank limits transfers to 1,000 EUR a day, so this may take until tomorrow."),
            _s(2, "Please ask them to raise it for this payment. In parts we cannot match it, I am afraid."),
            _c(40, "They want me to come to a branch. I will see."),
            Line(1381, SUPPORT, "runs out"),
        ),
    ),
    Story(
        *(45, "liam", _trade(986, "buy 0.0850 BTC for 5100.00 GBP by Faster Payments")),
        (
            _s(2, "Hello Liam, thanks for your order. Please pay from an account in your own name."),
            _c(9, "Paid. It came from my company's account, I hope that is fine."),
            PAID,
            _s(
                5,
                "We only accept payments from an account in your own name. Does a statement show that it is yours?",
            ),
            _c(7, "The company is mine alone, look at the register. The money is with you!"),
            Line(
                3,
                SUPPORT,
                "notes",
                "Payer is LM Trading Ltd. Register says sole director Liam Moore, same address as his.",
            ),
            Line(12, SUPPORT, "rejects", "The payment came from an account that is not in your name."),
            Line(35, CUSTOMER, "disputes", "The company belongs to me alone, and you have kept my money."),
            Line(20, "sara", "takes the escalation"),
            Line(
                3,
                "sara",
                "says",
                "Hello Liam, I am Sara. I am looking at this with our compliance team and will tell you today.",
            ),
            _c(4, "Thank you, Sara. I can send whatever you need."),
            Line(2, "sara", "says", "A current extract from the register and a photo ID would do. Take your time."),
            _c(180, "Both are uploaded in the app now."),
            Line(1310, "sara", "says", "All good. You are the only owner, so we accept the payment this time."),
            Line(3, "sara", "decides completed", "Sole owner proven by the register; payment accepted."),
            Line(15, CUSTOMER, "rates", "4 It took a day, but Sara was great."),
        ),
    ),
    # -- The last 24 hours ---------------------------------------------------------------------------------------------
    Story(
        *(22.5, "mira", _trade(987, "buy 0.5000 ETH for 1450.00 EUR by SEPA")),
        (
            _s(1, "Hi Mira, good to have you back. The account is the same as last time."),
            _c(3, "Great, the transfer is on its way."),
            PAID,
            _s(6, "Received. Have a nice evening!"),
            Line(1, SUPPORT, "approves"),
            Line(4, CUSTOMER, "rates", "5 As always."),
        ),
    ),
    Story(
        *(19, "noah", _trade(988, "sell 900 USDT for 835.00 EUR by SEPA")),
        (
            _s(4, "Hi Noah, I see your order. The buyer has 24 hours to pay, most do it within one."),
            _c(25, "He writes that he has paid by a normal transfer, not an instant one."),
            _s(3, "Then it arrives in the morning. My shift ends now, so a colleague takes over from here."),
            Line(
                2,
                SUPPORT,
                "hands over",
                "Buyer paid by standard transfer around 16:00. Should be there with the first clearing.",
            ),
            _s(5, "Hello Noah, I have read everything and keep an eye on it."),
            _c(130, "It is there! 835.00 EUR."),
            PAID,
            _s(5, "Confirmed on our side too. The coins go to the buyer now."),
            Line(2, SUPPORT, "approves"),
            Line(11, CUSTOMER, "rates", "4 Smooth, even with two people."),
        ),
    ),
    Story(
        *(17, "grace", _trade(989, "buy 0.0300 BTC for 1790.00 EUR by SEPA")),
        (
            _s(2, "Hi Grace! Same account as last week."),
            _c(6, "Sorry, I have mistyped the amount, it should have been 179. Can I cancel?"),
            _s(1, "Of course. As long as nothing was paid you can cancel it yourself, or I do it for you."),
            Line(2, CUSTOMER, "cancels", "Wrong amount."),
        ),
    ),
    Story(
        *(14, "henry", _trade(990, "buy 0.0090 BTC for 540.00 EUR by Revolut")),
        (
            PAID,
            _c(2, "Paid. Is anybody working at night?"),
            _c(7, "Hello?"),
            _s(12, "Hi Henry, sorry, there are only two of us at night. I have your payment here."),
            _s(3, "All fine, releasing."),
            Line(1, SUPPORT, "approves"),
            Line(5, CUSTOMER, "rates", "2 Twenty minutes until somebody answered."),
        ),
    ),
    Story(
        *(11, "jonas", _trade(991, "buy 250 USDT for 233.00 EUR by SEPA")),
        (
            _s(3, "Hi Jonas, please put BP-0991 into the reference."),
            _c(8, "I have paid, but I forgot the reference."),
            PAID,
            _s(4, "No problem, I look for the amount. Which name is on the account?"),
            _c(2, "My brother's. He paid for me."),
            _s(
                3,
                "Then we have to send it back, I am sorry: the account has to be yours. Please open a new trade.",
            ),
            Line(4, SUPPORT, "rejects", "Paid from somebody else's account; the money goes back."),
        ),
    ),
    Story(
        *(9, "ines", _trade(992, "sell 0.0120 BTC for 715.00 EUR by Wise")),
        (
            _s(2, "Olá Inês, I am looking after your trade."),
            _c(1, "Hi! The buyer has paid, I see it in Wise."),
            PAID,
            _s(3, "So do we. One moment, please."),
            Line(2, SUPPORT, "approves"),
            Line(8, CUSTOMER, "rates", "5 Four minutes!"),
        ),
    ),
    Story(
        *(8.5, "karla", _trade(993, "buy 0.2000 ETH for 580.00 EUR by SEPA")),
        (
            _s(1, "Hi Karla, nice to see you again. This time below your bank's limit, I hope?"),
            _c(2, "Ha, yes. Already paid."),
            PAID,
            _s(5, "And already here. Thank you!"),
            Line(1, SUPPORT, "approves"),
        ),
    ),
    # -- Open now ------------------------------------------------------------------------------------------------------
    Story(
        *(8, "liam", _trade(994, "sell 1500 USDT for 1195.00 GBP by Faster Payments")),
        (
            _s(3, "Hi Liam, the buyer has been told to pay."),
            _c(20, "The buyer claims that he has paid. I see nothing in my account."),
            PAID,
            _s(6, "His bank confirms the transfer to the account you gave us. Could you look again, please?"),
            _c(10, "I have looked three times."),
            _s(4, "The confirmation names your sort code and account number. I cannot hold his coins any longer."),
            Line(2, SUPPORT, "rejects", "The buyer's bank confirms the payment to the seller's account."),
            Line(250, CUSTOMER, "disputes", "The money never arrived. I have my statement here to prove it."),
            Line(2, "sara", "reads", "A dispute about a payment: looking before taking it."),
            Line(3, SUPPORT, "says", "I have asked a super admin to look at it, Liam. Please upload the statement."),
        ),
    ),
    Story(
        *(3.2, "mira", _trade(995, "buy 0.0500 BTC for 2985.00 EUR by SEPA")),
        (
            _s(2, "Hi Mira, here I am again."),
            _c(4, "Hi! Two transfers this time, 1,500 and 1,485, my bank wanted it so."),
            PAID,
            _s(7, "I see the first one. The second should follow within the hour."),
            Line(
                2,
                SUPPORT,
                "notes",
                "1,500.00 arrived, 1,485.00 pending. @Sara are two transfers for one trade fine with you?",
            ),
            Line(9, "sara", "notes", "Yes, both are from her own account. Approve once the second is there."),
            _c(45, "Has the second one arrived?"),
            _s(5, "Not yet, but it is announced for this afternoon. I write as soon as I see it."),
        ),
    ),
    Story(
        *(1.4, "noah", _trade(996, "buy 120 USDT for 111.50 EUR by Wise")),
        (
            _s(3, "Hi Noah, ready when you are."),
            _c(30, "Paid just now, 111.50 by Wise."),
            PAID,
            _s(3, "Thank you. Wise says “processing”, that is usually a quarter of an hour."),
            _c(20, "It says “completed” here now."),
            _s(2, "I see it too, thank you. One last check of the name, then it is yours."),
        ),
    ),
    Story(
        *(0.75, "ines", _trade(997, "buy 0.0040 BTC for 239.00 EUR by SEPA")),
        (
            _s(2, "Hi Inês, please use BP-0997 as the reference."),
            _c(9, "Will do. I am at work and pay in the lunch break, is that all right?"),
            _s(1, "Sure, you have until tomorrow."),
        ),
    ),
    Story(
        *(0.6, "henry", _trade(998, "sell 0.0200 BTC for 1192.00 EUR by SEPA")),
        (
            _s(3, "Good day, Henry. I will tell you when the buyer has paid."),
            _c(5, "Thanks. This is how fast I like it!"),
            _s(1, "We had some catching up to do. Talk to you soon."),
        ),
    ),
    Story(
        *(0.3, "jonas", _trade(999, "buy 300 USDT for 279.00 EUR by SEPA")),
        (_c(2, "Hi, this time from my own account. Where do I send it?"),),
        is_queued=True,
    ),
    Story(
        *(0.15, "grace", _trade(1000, "buy 0.0030 BTC for 179.00 EUR by SEPA")),
        (_c(1, "Hello! Now with the right amount."),),
        is_queued=True,
    ),
)

TALKS = (
    Talk(
        *(27, ("sara", "tina", "tom", "tara")),
        (
            Line(
                1,
                "sara",
                "says",
                "Morning all. Payments from company accounts are a case for me, please escalate them.",
            ),
            Line(6, "tina", "says", "Will do. I have one of those right now."),
            Line(2, "tara", "says", "Is that also true for shared accounts of couples?"),
            Line(4, "sara", "says", "No, as long as the customer's name is on it."),
            Line(
                690,
                "tom",
                "says",
                "Two of us at night are too few on weekdays. Customers waited twenty minutes yesterday.",
            ),
            Line(12, "sara", "says", "I have seen it in the figures. From Monday there are three."),
        ),
        title="Trade support",
    ),
    Talk(
        *(5.5, ("tina", "tom")),
        (
            Line(1, "tina", "says", "Can you cover for me between one and two?"),
            Line(3, "tom", "says", "Sure. Anything I should know?"),
            Line(2, "tina", "says", "Mira's second transfer comes this afternoon, the rest is quiet."),
            Line(1, "tom", "says", "Got it. Enjoy your lunch."),
        ),
    ),
    Talk(
        *(10.2, ("jonas", "tom")),
        (
            Line(1, "jonas", "says", "You have stolen my brother's money!!"),
            Line(3, "tom", "says", "Jonas, it is on its way back to him, as I wrote in the trade."),
            Line(1, "jonas", "says", "Thieves, all of you."),
            Line(2, "tom", "blocks", "jonas"),
        ),
    ),
)

TEAM_REPLIES = (
    ("Greeting", "Hi {customer}, I am looking after your trade {reference}. How can I help?"),
    ("Proof needed", "Please upload the confirmation of your transfer of {amount} before {deadline}."),
    (
        "Not your account",
        "We can only accept payments from an account in your own name. The money goes back to the payer.",
    ),
    ("Still open", "Your trade {reference} is open until {deadline}. Tell me if something is in the way."),
)
OWN_REPLIES = (
    ("tina", "Back in a minute", "One moment, please, {customer}. I am back in a minute."),
    ("tom", "Released", "{amount} received, thank you. The coins are on their way."),
)
