// SPDX-License-Identifier: LGPL-2.1-or-later
// smtp-server of npm as a server for tests.
//   node smtp_server.js MODULE CERTIFICATE USER:PASSWORD FOLDER
// Takes mail from who has authenticated; each becomes a file in FOLDER. Listens on 127.0.0.1, on a
// port that the kernel picks; its first line of output is that port.
"use strict";

const fs = require("fs");
const path = require("path");

const [module_, certificate, account, folder] = process.argv.slice(2);
const { SMTPServer } = require(module_);
const pem = fs.readFileSync(certificate);
let taken = 0;

const server = new SMTPServer({
    name: "mail.example",
    key: pem,
    cert: pem,
    authMethods: ["PLAIN", "LOGIN"],
    onAuth(auth, session, callback) {
        console.error("asked: %s", auth.method);
        if (`${auth.username}:${auth.password}` !== account) {
            return callback(new Error("Invalid username or password"));
        }
        return callback(null, { user: auth.username });
    },
    onData(stream, session, callback) {
        const parts = [];
        stream.on("data", (part) => parts.push(part));
        stream.on("end", () => {
            taken += 1;
            const file = path.join(folder, `.${taken}`);
            fs.writeFileSync(file, Buffer.concat(parts));
            fs.renameSync(file, path.join(folder, String(taken)));
            callback(null, "taken");
        });
    },
});

server.on("error", (error) => console.error(error.message));
server.listen(0, "127.0.0.1", () => console.log(server.server.address().port));
