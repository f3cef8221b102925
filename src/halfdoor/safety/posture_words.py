"""Who can read what in each posture, and on which grounds, in words for everybody.

The claims are those of SEALING §0, word for word, and the plain words say nothing stronger. A test
holds both: the first against the document, the second at a grade of reading.
"""

from typing import Any, Final

from halfdoor.sealing.epochs import Posture

# SEALING §0. README and THREATS.md hold the same sentences.
CLAIMS: Final = (
    "A stored message can be opened in three ways only.",
    (
        "(1) Participants: by a signed-in participant's own session, during its requests and"
        " at most 30 seconds after (keyring_seconds)."
    ),
    (
        "(2) Escrow, in standard conversations only: by k of n named custodians (for"
        " emergencies, where the entity has one, a smaller on-call set named in the same log),"
        " each of whose agents first checks that the grant stands in a witnessed public log;"
        " only the conversation-days the grant names, only while it is valid. A whole day is"
        " opened inside the keyholder; what lies outside the order is removed before anyone"
        " sees it."
    ),
    (
        "(3) Review: messages that a participant reported, or one that a publicly listed"
        " scanner flagged as it was sent. This is enforced by the server program and counted"
        " in the log; it is not enforced against someone who changes that program."
    ),
)
NOT_CLAIMED: Final = (
    "Whoever controls the running server (by intrusion, by a changed program, by order) can read"
    " everything sent meanwhile and the whole past history of every person who connects meanwhile,"
    " because a session's token opens that person's key; no log entry would show it. Someone with"
    " the database and the outer key can try passwords offline and open accounts with weak ones,"
    " and can read what was reported; who can also write can add events and readers (visible in"
    " headers, records and audit readers). A single custodian can refuse, and can tell the people"
    " concerned early. Metadata (who, when, how much, from where) is not secret from the operator."
    " k custodians who run altered agents can open what they hold. Whoever can sign in as you is"
    ' you; where "operator-held keys" is switched on (slot idp), the operator is among them.'
)

_STANDARD: Final[dict[str, Any]] = {
    "title": "Standard",
    "summary": "Your app sends the words over a safe line. Our server locks them at once, and keeps"
    " them locked. Three kinds of people can open them. Each has to do something first.",
    "who_can_read": [
        {
            "who": "You, and those you chat with",
            "can": True,
            "grounds": "You have to be signed in. Your own session opens what is yours, while your"
            " app asks for it and for at most half a minute after.",
        },
        {
            "who": "Custodians, for a lawful request",
            "can": True,
            "grounds": "They are people with names. Each one holds a small part of a key. It takes"
            " some of them to open a chat. First the request must stand in a public log, which"
            " others watch. Only the days that it names can be opened, and only for a time. What is"
            " not part of the request is cut out before a person sees it. If a life is at risk, a"
            " small team may do it, where there is one. The same log names them.",
        },
        {
            "who": "Safety staff",
            "can": True,
            "grounds": "They can read what one of you reports. If we use a scanner, it is on a"
            " public list, and they can read what it flags as you send it. Our program keeps to"
            " this. It cannot hold back a person who changes the program.",
        },
    ],
    "not_safe_from": "Those who take over our server while it runs can read what is sent then. They"
    " can read the past of each person who comes online then, too. No log would show it.",
}
_E2EE: Final[dict[str, Any]] = {
    "title": "End-to-end encrypted",
    "summary": "Your app locks the words on your phone. The apps of those you chat with have the"
    " key to them. Our server has not, as long as none of the tricks below is played. It passes on"
    " what it cannot read.",
    "who_can_read": [
        {
            "who": "You, and those you chat with",
            "can": True,
            "grounds": "Your apps hold the keys. If you lose all of your keys, we cannot help you"
            " to read old words.",
        },
        {
            "who": "Custodians, for a lawful request",
            "can": False,
            "grounds": "They hold no part of a key here. If the law asks us for the words, we have"
            " none to give. We may have to give what we can see. The list below says what that is.",
        },
        {
            "who": "Safety staff",
            "can": True,
            "grounds": "They can read what one of you reports. Your app hands over the key of that"
            " one message. We check it with what we have stored. The staff are told what is proven"
            " and what is not.",
        },
    ],
    "not_safe_from": "Those who take over our server while it runs can see all that we see. They"
    " can try the three tricks below.",
}
VISIBLE: Final = (
    "Who is in the chat, who asked whom in, and who left.",
    "Who sends each message, from which device and place on the net, when, and how long it is.",
    "The name, the topic and the picture of the chat, and its rules.",
    "Your name and picture.",
    "Which message you answer, edit or react to, and the emoji you pick.",
    "What you delete, and why, if you say why.",
    "When you read and when you type.",
    "How many files you send, when, and how large they are.",
    "Your devices, their names and their public keys.",
    "Who you know and who you block.",
)
ATTACKS: Final = (
    {
        "key": "added_device",
        "name": "A device that is not yours",
        "how": "Our server could add a device to your account, or to a friend's. An app that does"
        " not check would send that device the keys.",
        "what_helps": "Check your friend's devices with them: your app shows both of you some"
        " emoji or a code. Pick an app that sends to checked devices only.",
    },
    {
        "key": "changed_client",
        "name": "A changed app",
        "how": "Your app sees all that you write. A changed app, or a changed web page, can pass it"
        " on to others.",
        "what_helps": "Get your app from a place that you trust. An app on your phone is safer than"
        " a web page, which can change each time you load it.",
    },
    {
        "key": "guessable_passphrase",
        "name": "A weak pass phrase",
        "how": "Your keys may be kept with us, locked by a phrase that you pick. Those who hold"
        " that box can try as many words as they like.",
        "what_helps": "Use the long key that your app makes for you. Do not pick a phrase of your"
        " own.",
    },
)
# What of the three ways is not built yet, said where people are told of them.
STATE: Final = (
    "For now no one can ask the custodians. There is no scanner yet. What staff open is logged, but"
    " that log is not yet public."
)
LASTING: Final = (
    "A chat stays what it is from its first day. To change it, start a new chat; each of you has to"
    " join it."
)


def explained(posture: Posture) -> dict[str, Any]:
    """Return what *posture* means, as JSON; `can` says whether such people can read at all."""
    said = dict(_STANDARD if posture == "standard" else _E2EE)
    if posture == "e2ee":
        said |= {"server_still_sees": list(VISIBLE), "attacks": [dict(one) for one in ATTACKS]}
    return said


def plain_words() -> list[str]:
    """Return every text here that is meant for everybody, for the test of how hard it reads."""
    found = [LASTING, STATE, *VISIBLE]
    for posture in (_STANDARD, _E2EE):
        found += [posture["summary"], posture["not_safe_from"]]
        found += [one["grounds"] for one in posture["who_can_read"]]
    found += [one[part] for one in ATTACKS for part in ("how", "what_helps")]
    return found
