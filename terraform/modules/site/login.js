const crypto = require('crypto');

// SHA-256 of name:password, of each who may read.
const users = ${users};

function handler(event) {
  const request = event.request;
  const header = request.headers.authorization;
  if (header && header.value.startsWith('Basic ')) {
    const given = Buffer.from(header.value.slice(6), 'base64').toString();
    if (users.indexOf(crypto.createHash('sha256').update(given).digest('hex')) >= 0) {
      return request;
    }
  }
  return {
    statusCode: 401,
    statusDescription: 'Unauthorized',
    headers: {
      'www-authenticate': { value: 'Basic realm="Forecast", charset="UTF-8"' },
      'cache-control': { value: 'no-store' },
    },
  };
}
