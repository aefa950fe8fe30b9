// Takes this member out of the set and puts it in again, at whatever primary there is. Ends with 1 where there is none.
//
// The server counts a member that is *added* as a voter only when its initial sync is done ("newlyAdded"). One that
// comes back empty under its old entry would vote at once, for a candidate that lacks acknowledged writes.
const { readFileSync } = require('fs');
const { MONGO_MEMBER: me, MONGO_MEMBERS: members, MONGO_REPLICA_SET: set } = process.env;

const key = readFileSync('/run/mongo/keyfile', 'utf8').replace(/\s/g, '');
const options = `replicaSet=${set}&authSource=local&tls=true&tlsCAFile=/run/mongo/ca.pem&serverSelectionTimeoutMS=5000`;

function done(answer) {
  if (!answer.ok) throw new Error(answer.errmsg);
  return answer;
}

function reconfigure(admin, change) {
  const { config } = done(admin.runCommand({ replSetGetConfig: 1 }));
  const changed = { ...config, version: config.version + 1, members: change(config.members) };
  done(admin.runCommand({ replSetReconfig: changed, maxTimeMS: 30000 }));
}

function freeId(members) {
  const taken = new Set(members.map((member) => member._id));
  return [...Array(256).keys()].find((id) => !taken.has(id));
}

try {
  const admin = connect(`mongodb://__system:${encodeURIComponent(key)}@${members}/admin?${options}`).getSiblingDB('admin');
  const { config } = done(admin.runCommand({ replSetGetConfig: 1 }));
  if (config.members.some((member) => member.host === me)) {
    reconfigure(admin, (members) => members.filter((member) => member.host !== me));
  }
  reconfigure(admin, (members) => [...members, { _id: freeId(members), host: me }]);
} catch (error) {
  // The driver's words name hosts and no secret.
  print(JSON.stringify({ time: new Date().toISOString(), level: 'INFO', event: 'rejoin_refused', member: me, message: error.message }));
  process.exit(1);
}
