// One matrix-js-sdk client, driven by lines of JSON on stdin and answering on stdout.
// A request is {"id", "command", "arguments"}; its answer is {"id", "value"} or
// {"id", "error": {"message", "errcode", "status"}}. Requests run side by side.

// stdout carries answers and nothing else, so all that the SDK logs goes to stderr. This must
// stand before the SDK is loaded: its logger keeps the console's functions as it finds them.
for (const level of ["log", "info", "debug", "trace"]) console[level] = () => {};
console.warn = console.error;

const sdk = await import("matrix-js-sdk");
const readline = await import("node:readline");
const { ClientEvent, EventStatus, EventTimeline, HttpApiEvent, PendingEventOrdering } = sdk;

const TIMELINE_LIMIT = 20;
const session = {
    baseUrl: process.argv[2],
    client: null,
    credentials: null,
    // The network of this device: while unplugged, every request fails as fetch does.
    unplugged: new AbortController(),
    offline: false,
    syncs: 0,
    renewals: 0,
    softLogouts: 0,
    renewing: null,
    pollTimeout: undefined,
};

async function deviceFetch(input, init) {
    if (session.offline) throw new TypeError("fetch failed: this device is offline");
    const network = session.unplugged.signal;
    const signal = init?.signal ? AbortSignal.any([init.signal, network]) : network;
    try {
        return await fetch(input, { ...init, signal });
    } catch (error) {
        // An AbortError would tell the SDK that it cancelled the request itself.
        if (network.aborted) throw new TypeError("fetch failed: this device went offline");
        throw error;
    }
}

function options(extra) {
    return { baseUrl: session.baseUrl, fetchFn: deviceFetch, ...extra };
}

async function login(body) {
    const anonymous = sdk.createClient(options({}));
    const answer = await anonymous.loginRequest(body);
    anonymous.stopClient();
    return open(answer);
}

function open(answer) {
    session.credentials = answer;
    session.client = sdk.createClient(
        options({
            accessToken: answer.access_token,
            userId: answer.user_id,
            deviceId: answer.device_id,
        }),
    );
    session.client.on(ClientEvent.Sync, (state) => {
        if (state === "PREPARED" || state === "SYNCING") session.syncs += 1;
    });
    session.client.on(HttpApiEvent.SessionLoggedOut, (error) => {
        if (error.data?.soft_logout) {
            session.softLogouts += 1;
            renew().catch((failure) => console.error("renewal failed", failure));
        }
    });
    return answer;
}

// The SDK renews tokens by itself only for OAuth sessions. For POST /refresh the application
// does what is written here: renew, hand over the new token, start the stopped sync again.
function renew() {
    session.renewing ??= (async () => {
        try {
            const answer = await session.client.refreshToken(session.credentials.refresh_token);
            session.credentials = {
                ...session.credentials,
                ...answer,
                refresh_token: answer.refresh_token ?? session.credentials.refresh_token,
            };
            session.client.setAccessToken(answer.access_token);
            session.renewals += 1;
            if (session.client.clientRunning && session.client.getSyncState() === "ERROR") {
                session.client.stopClient();
                await startSync();
            }
        } finally {
            session.renewing = null;
        }
    })();
    return session.renewing;
}

async function renewing(act) {
    try {
        return await act();
    } catch (error) {
        if (error.errcode !== "M_UNKNOWN_TOKEN" || !error.data?.soft_logout) throw error;
        await renew();
        return act();
    }
}

function startSync() {
    return session.client.startClient({
        initialSyncLimit: TIMELINE_LIMIT,
        lazyLoadMembers: true,
        pollTimeout: session.pollTimeout,
        // Own messages join the timeline when the server sends them, in the server's order.
        pendingEventOrdering: PendingEventOrdering.Detached,
    });
}

function roomOf(roomId) {
    const room = session.client.getRoom(roomId);
    if (!room) throw new Error(`room ${roomId} is not known to this client`);
    return room;
}

async function sendEvent(roomId, type, content) {
    try {
        return (await session.client.sendEvent(roomId, type, content)).event_id;
    } catch (error) {
        return resend(roomId, error);
    }
}

// "Not sent. Try again": the same event with the same transaction id.
async function resend(roomId, error) {
    const room = roomOf(roomId);
    for (let attempt = 0; attempt < 40; attempt += 1) {
        if (error.errcode === "M_UNKNOWN_TOKEN" && error.data?.soft_logout) await renew();
        else if (error.errcode && error.errcode !== "M_LIMIT_EXCEEDED") throw error;
        const pending = room
            .getPendingEvents()
            .find((event) => event.status === EventStatus.NOT_SENT);
        if (!pending) throw error;
        try {
            return (await session.client.resendEvent(pending, room)).event_id;
        } catch (again) {
            error = again;
            await new Promise((resolve) => setTimeout(resolve, 250));
        }
    }
    throw error;
}

function viewOf(room, event) {
    const reactions = {};
    const annotations = room.relations.getChildEventsForEvent(
        event.getId(),
        "m.annotation",
        "m.reaction",
    );
    for (const [key, events] of annotations?.getSortedAnnotationsByKey() ?? []) {
        const senders = [...events].filter((one) => !one.isRedacted());
        if (senders.length) reactions[key] = senders.map((one) => one.getSender()).sort();
    }
    return {
        event_id: event.getId(),
        sender: event.getSender(),
        body: event.isRedacted() ? null : (event.getContent().body ?? null),
        edited: Boolean(event.replacingEvent()),
        redacted: event.isRedacted(),
        reactions,
    };
}

function isMessage(event) {
    return event.getType() === "m.room.message" && !event.isRelation("m.replace");
}

const commands = {
    login_password: ({ user, password, device_name, refresh }) =>
        login({
            type: "m.login.password",
            identifier: { type: "m.id.user", user },
            password,
            initial_device_display_name: device_name,
            ...(refresh ? { refresh_token: true } : {}),
        }),
    login_jwt: ({ token }) => login({ type: "org.matrix.login.jwt", token }),
    renew: async () => {
        await renew();
        return session.credentials;
    },
    session: () => ({
        sync_state: session.client.getSyncState(),
        syncs: session.syncs,
        renewals: session.renewals,
        soft_logouts: session.softLogouts,
        access_token: session.client.getAccessToken(),
    }),
    start: ({ poll_milliseconds }) => {
        session.pollTimeout = poll_milliseconds;
        return startSync();
    },
    stop: () => session.client?.stopClient(),
    go_offline: () => {
        session.offline = true;
        session.unplugged.abort();
    },
    come_online: () => {
        session.offline = false;
        session.unplugged = new AbortController();
    },
    // What a web page does when its browser says that the network is back.
    retry_now: () => session.client.retryImmediately(),
    create_dm: async ({ invitee }) => {
        const created = await session.client.createRoom({
            preset: "trusted_private_chat",
            visibility: "private",
            is_direct: true,
            invite: [invitee],
        });
        const direct = session.client.getAccountData("m.direct")?.getContent() ?? {};
        const rooms = [...(direct[invitee] ?? []), created.room_id];
        await session.client.setAccountData("m.direct", { ...direct, [invitee]: rooms });
        return created.room_id;
    },
    accept: async ({ room_id }) => {
        await session.client.joinRoom(room_id);
    },
    membership: ({ room_id }) => session.client.getRoom(room_id)?.getMyMembership() ?? null,
    send: ({ room_id, body }) =>
        sendEvent(room_id, "m.room.message", { msgtype: "m.text", body }),
    edit: ({ room_id, event_id, body }) =>
        sendEvent(room_id, "m.room.message", {
            "msgtype": "m.text",
            "body": `* ${body}`,
            "m.new_content": { msgtype: "m.text", body },
            "m.relates_to": { rel_type: "m.replace", event_id },
        }),
    react: ({ room_id, event_id, key }) =>
        sendEvent(room_id, "m.reaction", {
            "m.relates_to": { rel_type: "m.annotation", event_id, key },
        }),
    redact: async ({ room_id, event_id }) =>
        (await renewing(() => session.client.redactEvent(room_id, event_id))).event_id,
    // -100 is the worst that a client can say; servers need not look at it.
    report: async ({ room_id, event_id, reason }) => {
        await session.client.reportEvent(room_id, event_id, -100, reason);
    },
    read_up_to: async ({ room_id, event_id }) => {
        const event = roomOf(room_id).findEventById(event_id);
        if (!event) throw new Error(`event ${event_id} is not in this client's timeline`);
        await session.client.sendReadReceipt(event);
    },
    typing: ({ room_id, is_typing }) => session.client.sendTyping(room_id, is_typing, 20000),
    typing_in: ({ room_id }) =>
        roomOf(room_id)
            .getMembers()
            .filter((member) => member.typing)
            .map((member) => member.userId)
            .sort(),
    read_by: ({ room_id, user }) => roomOf(room_id).getEventReadUpTo(user, true),
    unread: ({ room_id }) => roomOf(room_id).getUnreadNotificationCount("total") ?? null,
    message: ({ room_id, event_id }) => {
        const room = session.client.getRoom(room_id);
        const event = room?.findEventById(event_id);
        return event ? viewOf(room, event) : null;
    },
    timeline: ({ room_id }) => {
        const room = roomOf(room_id);
        const events = room.getLiveTimeline().getEvents();
        return events.filter(isMessage).map((event) => viewOf(room, event));
    },
    // True while older events may remain on the server.
    paginate_back: async ({ room_id, limit }) => {
        const timeline = roomOf(room_id).getLiveTimeline();
        if (timeline.getPaginationToken(EventTimeline.BACKWARDS) === null) return false;
        return session.client.paginateEventTimeline(timeline, { backwards: true, limit });
    },
};

async function answer(line) {
    const { id, command, arguments: given } = JSON.parse(line);
    let result;
    try {
        if (!Object.hasOwn(commands, command)) throw new Error(`unknown command ${command}`);
        result = { id, value: (await commands[command](given)) ?? null };
    } catch (error) {
        result = {
            id,
            error: {
                message: String(error?.stack ?? error),
                errcode: error?.errcode ?? null,
                status: error?.httpStatus ?? null,
            },
        };
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
}

const lines = readline.createInterface({ input: process.stdin, terminal: false });
lines.on("line", (line) => void answer(line));
lines.on("close", () => {
    session.client?.stopClient();
    process.exit(0);
});
process.stdout.write(`${JSON.stringify({ id: 0, value: "ready" })}\n`);
