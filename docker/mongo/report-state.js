// Prints one member_state line: this member's state and how far it is behind its primary.
const { MONGO_MEMBER: me, DISK_USED_PERCENT: disk } = process.env;
const options = 'directConnection=true&tls=true&tlsCAFile=/run/mongo/ca.pem&serverSelectionTimeoutMS=10000';

function hello(host) {
  return connect(`mongodb://${host}/admin?${options}`).runCommand({ hello: 1 });
}

function stateOf(answer) {
  if (answer.isWritablePrimary) return 'PRIMARY';
  if (answer.secondary) return 'SECONDARY';
  return answer.setName ? 'OTHER' : 'UNINITIATED';
}

const line = { time: new Date().toISOString(), level: 'INFO', event: 'member_state', member: me, state: 'UNREACHABLE', primary: null };
try {
  const mine = hello(me);
  line.state = stateOf(mine);
  line.primary = mine.primary ?? null;
  if (line.state === 'SECONDARY' && line.primary) {
    const behind = hello(line.primary).lastWrite.lastWriteDate - mine.lastWrite.lastWriteDate;
    line.lag_seconds = Math.max(0, behind / 1000);
  }
} catch (error) {
  line.message = error.message;
}
line.disk_used_percent = Number(disk);
line.message ??= `${line.state}`;
print(JSON.stringify(line));
